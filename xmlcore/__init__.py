"""Extreme multi-label text classification that can be trusted: attacked, explained, reproducible."""
