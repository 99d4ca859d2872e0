"""Hyperparameters tuned on validation documents."""
