"""Plain classifiers that the networks are measured by."""
