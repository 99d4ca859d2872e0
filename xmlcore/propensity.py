"""Label propensities (Jain et al. 2016): how probable it is that annotators gave a label that is true."""

import numpy as np

from xmlcore.encoding import Split


def label_frequencies(*splits: Split, labels: int) -> np.ndarray:
    """(L,) int64: how many documents of `splits` have each label."""
    return sum(np.bincount(split.labels[split.labels >= 0], minlength=labels) for split in splits)


def propensities(frequencies: np.ndarray, documents: int, a: float = 0.55, b: float = 1.5) -> np.ndarray:
    """(L,) float64: 1 / (1 + C exp(-a log(n + b))), C = (log N - 1) (b + 1)^a."""
    c = (np.log(documents) - 1) * (b + 1) ** a
    return 1 / (1 + c * np.exp(-a * np.log(frequencies + b)))
