"""Word-substitution attacks on multi-label classifiers (Qaraei and Babbar): goals, targets, search, similarity."""
