"""Explainers measured: how faithful, how stable, how alike."""
