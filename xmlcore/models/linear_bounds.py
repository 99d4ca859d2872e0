"""Bounds of the scores of a linear classifier on tf-idf whatever substitutes stand in a document.

What a word adds to a document is not in proportion to how often it is there, so that positions do not add up as in a
sum of embeddings. But between the fewest and the most times that a word can be there, c, its value 1 + ln c lies above
a chord and below a tangent, for it is concave from 0 on. With a line in the place of each value, the more or the less
favourable one by the sign of its weight, positions are independent again, and the sum is bounded by what each of them
can do at most. With x the values, of length 1 as they are, the distances w·x / ‖x‖ + b follow with bounds of the norm:
u·x on the left, u being the direction of the unchanged x (Cauchy and Schwarz), and on the right a line for each square.
Shapes: `T` tokens, `K` substitutes, `U` words that the document can have, `C` groups and labels, `L` labels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from xmlcore.models.bounds import Box, LogitBounds

Score = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of the distances of groups, and of labels in them
SHORTEST = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class LinearBounds(LogitBounds):
    """The scores of a batch, of whose `documents` (B,) each is bounded for itself."""

    documents: Sequence["DocumentBounds"]

    def logits(self) -> Box:
        boxes = [each.scores for each in self.documents]
        return Box(*(torch.from_numpy(np.stack(side)) for side in zip(*boxes, strict=True)))

    def magnitude(self) -> Tensor:
        return torch.from_numpy(np.stack([each.magnitude() for each in self.documents]))

    def margins(self, documents: Tensor, labels: Tensor, others: Tensor) -> Tensor:
        found = [
            self.documents[document].margins(label, other)
            for document, label, other in zip(documents.tolist(), labels.tolist(), others.numpy(), strict=True)
        ]
        return torch.from_numpy(np.stack(found)) if found else torch.empty(others.shape, dtype=torch.float64)


class DocumentBounds:
    """What one document can become, and its scores then."""

    def __init__(
        self,
        words: "PossibleWords",
        idf: np.ndarray,
        weights: np.ndarray,
        biases: np.ndarray,
        group_of: np.ndarray,
        score: Score,
    ) -> None:
        """Take the `idf` (U,) and the `weights` (U, C) of the `words`; the rest as in `LinearClassifier`."""
        self._words, self._idf, self._biases = words, idf, biases
        self._weights, self._terms = weights, idf[:, None] * weights
        self._group_of, self._score = group_of, score
        self._first = len(biases) - len(group_of)  # label 0, after the groups
        values = words.values * idf
        self._norm = max(float(np.linalg.norm(values)), SHORTEST)
        self._along = idf * values / self._norm  # of each word, along the direction of the unchanged document

    @cached_property
    def scores(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(L,) each: as they are, the least and the most."""
        own = self._words.values @ self._terms / self._norm + self._biases
        own, low, high = (self._score(*self._parts(each)) for each in (own, *self._distances))
        return own, low, high

    def magnitude(self) -> np.ndarray:
        """Return (L,) the sums of absolute terms, those of a group where it has a say in the score."""
        groups, own = self._parts(self._words.most @ np.abs(self._terms) / self._norms[0] + np.abs(self._biases))
        (surely, _), (_, highest) = map(self._parts, self._distances)
        return own + np.where(surely >= np.maximum(highest, 1), 0, groups)

    def margins(self, label: int, others: np.ndarray) -> np.ndarray:
        """Return the least (O,) that the score of `label` can be above those of `others` (O,).

        In one group it is by the difference d of two distances: a score rises with its label's distance, ever slower,
        and the faster the further its group is away.
        """
        _, low, high = self.scores
        apart = low[label] - high[others]
        difference = self._least_difference(label, others)
        (group, _), (_, highest) = map(self._parts, self._distances)
        at_least, at_most = np.full(len(others), group[label]), highest[others]
        together = self._score(at_least, at_most + difference) - self._score(at_least, at_most)
        together = np.where(difference < 0, difference, together)
        return np.where(self._group_of[others] == self._group_of[label], np.maximum(apart, together), apart)

    def _least_difference(self, label: int, others: np.ndarray) -> np.ndarray:
        """Return the least (O,) that the distance of `label` is above those of `others`: (d·x + β ‖x‖) / ‖x‖."""
        label, others = self._first + label, self._first + others
        bias = self._biases[label] - self._biases[others]
        shortest, longest = self._norms
        terms = self._terms[:, [label]] - self._terms[:, others] + self._along[:, None] * np.maximum(bias, 0)
        least = self._words.least(terms) + np.minimum(bias, 0) * longest
        return np.where(least < 0, least / shortest, least / longest)

    def _parts(self, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return of what (C,) has groups first, then labels, that of the group of each label and its own, (L,) each."""
        return distances[self._group_of], distances[self._first :]

    @cached_property
    def _distances(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and the most (C,)."""
        shortest, longest = self._norms
        length = np.linalg.norm(self._weights, axis=0)
        least, most = self._words.least(self._terms), -self._words.least(-self._terms)
        low = np.where(least < 0, least / shortest, least / longest)
        high = np.where(most < 0, most / longest, most / shortest)
        return np.maximum(low, -length) + self._biases, np.minimum(high, length) + self._biases

    @cached_property
    def _norms(self) -> tuple[float, float]:
        """The least and the most that the norm of the values can be."""
        shortest = self._words.least(self._along[:, None])[0]
        return max(shortest, SHORTEST), float(np.sqrt(self._words.most_of_squares(np.square(self._idf))))


@dataclass(frozen=True)
class _Lines:
    """For each of U words a line over how often it is there."""

    slope: np.ndarray
    start: np.ndarray


class PossibleWords:
    """The words that a document can have, and how often."""

    def __init__(self, choices: np.ndarray, substituted: int) -> None:
        """Take the tokens (T, K) that each position may have, its own first; so many of them are `substituted`."""
        self.ids, places = np.unique(choices, return_inverse=True)
        self._choices = places.reshape(choices.shape)
        self._substituted, count = substituted, len(self.ids)
        own, single = self._choices[:, 0], (choices == choices[:, :1]).all(1)
        possible = np.zeros((len(choices), count), bool)
        np.put_along_axis(possible, self._choices, True, 1)
        self._times = times = np.bincount(own, minlength=count)
        self._fewest = np.maximum(np.bincount(own[single], minlength=count), times - substituted)
        self._most = np.minimum(possible.sum(0), times + substituted)

    @property
    def values(self) -> np.ndarray:
        """(U,) what is multiplied by the idf of each word in the unchanged document."""
        return sublinear(self._times)

    @property
    def most(self) -> np.ndarray:
        """(U,) the most that it can be."""
        return sublinear(self._most)

    def least(self, terms: np.ndarray) -> np.ndarray:
        """Return a bound (n,) from below of the sum over the words of values times `terms` (U, n)."""
        favourable = terms > 0
        above, below = self._above, self._below
        slopes = terms * np.where(favourable, below.slope[:, None], above.slope[:, None])
        starts = terms * np.where(favourable, below.start[:, None], above.start[:, None])
        return starts.sum(0) + self._least_of_positions(slopes)

    def most_of_squares(self, terms: np.ndarray) -> float:
        """Return a bound from above of the sum over the words of squares of values times `terms` (U,), not negative."""
        lines = self._above_squares
        return float(terms @ lines.start - self._least_of_positions(-(terms * lines.slope)[:, None])[0])

    def _least_of_positions(self, slopes: np.ndarray) -> np.ndarray:
        """Return (n,) the least that the `slopes` (U, n) of the words at all positions can add up to."""
        own, least = slopes[self._choices[:, 0]], slopes[self._choices].min(1)
        if self._substituted < len(own):
            gains = np.sort(own - least, axis=0)[len(own) - self._substituted :]
            return own.sum(0) - gains.sum(0)
        return least.sum(0)

    @cached_property
    def _below(self) -> _Lines:
        """The chords, below the values."""
        low, high = sublinear(self._fewest), sublinear(self._most)
        slope = (high - low) / np.maximum(self._most - self._fewest, 1)
        return _Lines(slope, low - slope * self._fewest)

    @cached_property
    def _above(self) -> _Lines:
        """The tangents where the document is, above the values."""
        times = self._times
        start = np.where(times > self._fewest, times - 1, times)
        slope = sublinear(start + 1) - sublinear(start)
        return _Lines(slope, sublinear(times) - slope * times)

    @cached_property
    def _above_squares(self) -> _Lines:
        """Lines above the squares of the values, as steep as their chords."""
        square = np.square(sublinear(np.arange(self._most.max() + 1)))
        slope = (square[self._most] - square[self._fewest]) / np.maximum(self._most - self._fewest, 1)
        times = np.arange(len(square))
        reached = (self._fewest[:, None] <= times) & (times <= self._most[:, None])
        return _Lines(slope, np.where(reached, square - slope[:, None] * times, -np.inf).max(1))


def sublinear(times: np.ndarray) -> np.ndarray:
    """Return what is multiplied by the idf of a word that is so many times in a document."""
    return np.where(times > 0, 1 + np.log(np.maximum(times, 1)), 0)
