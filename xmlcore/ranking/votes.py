"""What a vote over random copies of a document proves of its best labels (Jia et al. 2022, MultiGuard).

The smoothed classifier ranks labels by p_j, the probability that label j is among the best k of a random copy. A change
of the document changes what is drawn, and no probability by more than a bound that the way of drawing gives. Shapes:
`L` labels.
"""

from typing import Protocol

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import beta


class Change(Protocol):
    """How far an allowed change of a document can move the mean of anything in [0, 1] that a random copy decides."""

    def least(self, mean: np.ndarray) -> np.ndarray: ...

    def most(self, mean: np.ndarray) -> np.ndarray: ...


class Shift:
    """Copies are normal around the document, which moves by `deviations` of theirs (Cohen et al. 2019, lemma 4)."""

    def __init__(self, deviations: float) -> None:
        self._deviations = deviations

    def least(self, mean: np.ndarray) -> np.ndarray:
        return ndtr(ndtri(mean) - self._deviations)

    def most(self, mean: np.ndarray) -> np.ndarray:
        return ndtr(ndtri(mean) + self._deviations)


class Difference:
    """A share of the copies can become others, and the rest stay as they are (Levine and Feizi 2020, theorem 1)."""

    def __init__(self, share: float) -> None:
        self._share = share

    def least(self, mean: np.ndarray) -> np.ndarray:
        return np.maximum(mean - self._share, 0)

    def most(self, mean: np.ndarray) -> np.ndarray:
        return np.minimum(mean + self._share, 1)


def probability_bounds(votes: np.ndarray, copies: int, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return bounds (L,) from below and from above of the probabilities that `votes` (L,) of `copies` were drawn with.

    All of those from below of some labels, and from above of the others, hold together with `confidence` (Clopper and
    Pearson 1934, and Bonferroni).
    """
    outside = (1 - confidence) / len(votes)
    low = beta.ppf(outside, votes, copies - votes + 1)
    high = beta.ppf(1 - outside, votes + 1, copies - votes)
    return np.where(votes == 0, 0, low), np.where(votes == copies, 1, high)


def certain_hits(low: np.ndarray, high: np.ndarray, true: np.ndarray, k: int, change: Change) -> int:
    """Return how many of the labels `true` (L,) are certainly among the smoothed classifier's best `k`.

    Copies vote for their best `k` labels; `low` and `high` (L,) bound each label's probability. This is theorem 1 of
    Jia et al. 2022: were fewer than e of them there, some of the true ones from the e-th on would be ranked no better
    than k - e + 1 others.
    """
    ours, theirs = -np.sort(-low[true]), -np.sort(-high[~true])
    for hits in range(min(k, len(ours)), 0, -1):
        others = k - hits + 1
        if others > len(theirs) or _least_of_best(ours[hits - 1 :], k, change) > _most_of_worst(
            theirs[:others], k, change
        ):
            return hits
    return 0


def _least_of_best(bounds: np.ndarray, k: int, change: Change) -> float:
    """Return a bound from below of the largest of probabilities with falling `bounds` from below."""
    counts = np.arange(1, len(bounds) + 1)
    together = k / counts * change.least(np.minimum(bounds.cumsum() / k, 1))
    return max(float(change.least(bounds[0])), float(together.max()))


def _most_of_worst(bounds: np.ndarray, k: int, change: Change) -> float:
    """Return a bound from above of the smallest of probabilities with falling `bounds` from above."""
    counts = np.arange(1, len(bounds) + 1)
    together = k / counts * change.most(np.minimum(bounds[::-1].cumsum() / k, 1))
    return min(float(change.most(bounds[-1])), float(together.min()))
