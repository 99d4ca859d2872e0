"""How faithful a ranking of words is: what becomes of the probability when they are erased in its order.

DeYoung et al. (2020, "ERASER") call the mean loss of probability comprehensiveness when the heaviest words go first,
and sufficiency when they go last. It depends on the model and the document at least as much as on the ranking; Edin et
al. (2025, "Normalized AOPC") therefore put it between the least and the most that any ranking of the document would
lose, found by beam search.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from xmlcore.explain.scorer import Scorer
from xmlcore.explain.tokens import MASK

Removal = Literal["masking", "deletion"]
REMOVALS: tuple[Removal, ...] = ("masking", "deletion")


class Faithfulness(NamedTuple):
    """Of one ranking of one document."""

    comprehensiveness: float  # mean loss of probability over all numbers of words erased, heaviest first
    sufficiency: float  # lightest first
    naopc: float  # comprehensiveness between the least (0) and the most (1) of any ranking; nan where these are equal


class Erasure:
    """The probability of one label of one document without some of its distinct words."""

    def __init__(self, tokens: Sequence[str], scorer: Scorer, label: int, removal: Removal, batch_size: int) -> None:
        """Erase words: `masking` puts the unknown word in a word's place, `deletion` closes the gap."""
        self.words = [*dict.fromkeys(tokens)]
        self._tokens, self._scorer, self._label = tokens, scorer, label
        self._removal, self._batch_size = removal, batch_size
        place = {word: i for i, word in enumerate(self.words)}
        self._word_at = np.array([place[token] for token in tokens])

    def scores(self, kept: np.ndarray) -> np.ndarray:
        """Return (n,) float64 probabilities, row `i` of `kept` (n, W) being true for the words that stay."""
        parts = [kept[first : first + self._batch_size] for first in range(0, len(kept), self._batch_size)]
        scores = [self._scorer.scores([self._copy(row) for row in part], [self._label])[:, 0] for part in parts]
        return np.concatenate(scores).astype(np.float64)

    def leave_one_out(self) -> np.ndarray:
        """Return (W,) the loss of probability when each word goes alone."""
        return self.scores(np.ones((1, len(self.words)), bool)) - self.scores(~np.eye(len(self.words), dtype=bool))

    def mean_loss(self, order: np.ndarray) -> float:
        """Return the mean loss of probability when 1, 2, ... and all W words are erased, in `order` (W,)."""
        kept = np.ones((len(order) + 1, len(order)), bool)
        for erased, word in enumerate(order, 1):
            kept[erased:, word] = False
        scores = self.scores(kept)
        return float((scores[0] - scores[1:]).mean())

    def extreme_loss(self, sign: int, beam: int) -> float:
        """Return the largest (`sign` 1) or smallest (-1) `mean_loss` that a search with `beam` rankings finds."""
        count = len(self.words)
        rankings: list[tuple[float, np.ndarray]] = [(0.0, np.ones(count, bool))]
        whole = float(self.scores(rankings[0][1][None])[0])
        for _ in range(count):
            longer: dict[bytes, tuple[float, np.ndarray]] = {}
            for loss, kept in rankings:
                for word in np.flatnonzero(kept):
                    left = kept.copy()
                    left[word] = False
                    key = left.tobytes()
                    if key not in longer or sign * loss > sign * longer[key][0]:
                        longer[key] = loss, left
            scores = self.scores(np.array([left for _, left in longer.values()]))
            losses = np.array([loss for loss, _ in longer.values()]) + whole - scores
            found = [(float(loss), left) for loss, (_, left) in zip(losses, longer.values(), strict=True)]
            rankings = [found[i] for i in np.argsort(-sign * losses, kind="stable")[:beam]]
        return rankings[0][0] / count

    def _copy(self, kept: np.ndarray) -> list[str]:
        stays = kept[self._word_at]
        if self._removal == "deletion":
            return [token for token, stay in zip(self._tokens, stays, strict=True) if stay]
        return [token if stay else MASK for token, stay in zip(self._tokens, stays, strict=True)]


def faithfulness(erasure: Erasure, weights: Mapping[str, Mapping[str, float]], beam: int) -> dict[str, Faithfulness]:
    """Return the faithfulness of each method, from its `weights` of the words of `erasure`.

    The bounds are those of the beam search, or of a method that does better than it, so that all `naopc` are in [0, 1].
    """
    losses = {}
    for method, of_words in weights.items():
        order = np.argsort([-of_words[word] for word in erasure.words], kind="stable")
        losses[method] = erasure.mean_loss(order), erasure.mean_loss(order[::-1])
    seen = [loss for pair in losses.values() for loss in pair]
    most, least = max(erasure.extreme_loss(1, beam), *seen), min(erasure.extreme_loss(-1, beam), *seen)
    return {
        method: Faithfulness(first, last, (first - least) / (most - least) if most > least else float("nan"))
        for method, (first, last) in losses.items()
    }
