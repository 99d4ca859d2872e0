"""Attacks on classifiers."""
