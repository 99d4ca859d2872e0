"""Predicted labels and every metric of their ranking."""
