"""Clusters of like labels, by halving again and again (Qaraei and Babbar, section 4.2.2, after Prabhu et al. 2018)."""

import numpy as np

from xmlcore.data.dataset import Split
from xmlcore.data.label_clustering import order_by_similarity


def label_clusters(split: Split, labels: int, smallest: int, seed: int) -> list[np.ndarray]:
    """Return the `labels` in clusters of at least `smallest`, as small as halves of halves can be."""
    return _halves(order_by_similarity(split, labels, seed), smallest)


def _halves(members: np.ndarray, smallest: int) -> list[np.ndarray]:
    middle = -(-len(members) // 2)
    if len(members) - middle < smallest:
        return [members]
    return _halves(members[:middle], smallest) + _halves(members[middle:], smallest)
