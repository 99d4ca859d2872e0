"""Random predictions with the truth as dense matrices, in which each unseen label has a column of its own."""

from dataclasses import dataclass

import numpy as np

from toys import split_of
from xmlcore.data.dataset import UNSEEN_LABEL, Split
from xmlcore.ranking.predictions import Predictions

CASES = [(seed, labels) for labels in (3, 5, 12, 40) for seed in range(6)]


@dataclass(frozen=True)
class Ranked:
    """`labels` are the first columns of `truth` (N, L + U) and `frequencies` (L + U,); the unseen have frequency 0."""

    predictions: Predictions
    split: Split
    labels: int
    truth: np.ndarray
    frequencies: np.ndarray


def ranked(seed: int, labels: int, documents: int = 25, unseen: int = 3) -> Ranked:
    """Of each document the best 8 labels, or all where there are fewer, are stored; a few documents have no label."""
    rng = np.random.default_rng(seed)
    truth = rng.random((documents, labels + unseen)) < 0.15
    truth[rng.random(documents) < 0.15] = False
    scores = np.where(truth[:, :labels], rng.beta(3, 2, (documents, labels)), rng.beta(2, 3, (documents, labels)))
    top = np.argsort(-scores, axis=1)[:, :8]
    ids = [sorted(column if column < labels else UNSEEN_LABEL for column in np.flatnonzero(row)) for row in truth]
    frequencies = np.append(rng.integers(1, 30, labels), np.zeros(unseen, int))
    stored = Predictions(top.astype(np.int32), np.take_along_axis(scores, top, axis=1).astype(np.float32))
    return Ranked(stored, split_of([[1]] * documents, ids), labels, truth, frequencies)
