"""Trained models under attack, and whether the attacks can be believed."""
