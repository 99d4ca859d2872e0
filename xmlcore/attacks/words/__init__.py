"""Word-substitution attacks on multi-label classifiers (seed 003): goals, targets, candidates, search, similarity."""
