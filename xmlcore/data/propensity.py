"""Label propensities of Jain et al. 2016: how likely it is that a label which applies was also noted by an annotator.

Constants (A, B) as that paper fits them: (0.5, 0.4) for WikiLSHTC-325K and Wikipedia-500K, (0.6, 2.6) for Amazon-670K
and Amazon-3M, (0.55, 1.5) for every other corpus, AmazonCat-13K and Wiki10-31K among them.
"""

import math

import numpy as np

from xmlcore.data.dataset import Split


def label_frequencies(*splits: Split, labels: int) -> np.ndarray:
    """Return (L,) int64 how many documents of the training `splits` have each of the `labels`."""
    known = (split.labels[split.labels >= 0] for split in splits)
    return sum((np.bincount(each, minlength=labels) for each in known), np.zeros(labels, np.int64))


def propensities(frequencies: np.ndarray, documents: int, a: float, b: float) -> np.ndarray:
    """Return p_l in (0, 1] for `frequencies` n_l: p_l = 1 / (1 + C exp(-A log(n_l + B))), B > 0, in float64.

    C = (log N - 1)(B + 1)^A for N training `documents`; where that is negative, N < 3, it is 0 and every p_l is 1.
    """
    c = max(math.log(documents) - 1, 0) * (b + 1) ** a
    return 1 / (1 + c * (frequencies + b) ** -a)
