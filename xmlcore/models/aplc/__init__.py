"""Adaptive probabilistic label clusters (Ye et al. 2020) on a pretrained body."""
