"""Stacking (Wolpert 1992): a weighted mean of the probabilities of several classifiers, its members.

The weights are fitted on validation documents, which were new to every member, for the highest nDCG@5. A member may be
anything whose best labels of those documents are stored; a label that it has not stored has probability 0. A weight may
hold for all labels, or for those of one bin of training frequencies: one member knows rare labels, another frequent
ones. Shapes: `N` documents, `M` members, `C` candidates of a document, `L` labels, `B` bins.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from xmlcore.data.dataset import Split
from xmlcore.ranking.metrics import TOP, discounts, hits, ideal_dcg
from xmlcore.ranking.predictions import Predictions

Way = Literal["mean", "members", "frequencies"]  # equal weights | one for each member | one for each member and bin
TOLERANCE, ROUNDS = 0.01, 5  # of Powell's method: a weight is found to one part in a hundred, in so many rounds at most
FOLDS = 2  # of the validation documents, on which the ways are compared


class Candidates(NamedTuple):
    """The labels that any member has stored of a document, and what each member gives them."""

    labels: np.ndarray  # (N, C) int32, rising; -1 where a document has fewer
    probabilities: np.ndarray  # (M, N, C) float32; 0 where a member has not stored the label


class Stack(NamedTuple):
    """The fitted weights, and what each way of weighting reached on documents that its weights were not fitted on."""

    weights: np.ndarray  # (M, B) float64
    way: Way
    validated: dict[Way, float]  # nDCG@5

    def figures(self, members: Sequence[str], bins: Sequence[str]) -> dict[str, object]:
        """Return what is written of the stack of `members` (M,), over `bins` (B,) of label frequency, by name."""
        named = {
            member: dict(zip(bins, np.round(own, 4).tolist(), strict=True))
            for member, own in zip(members, self.weights, strict=True)
        }
        return {"weighted_by": self.way, "validation_nDCG@5": self.validated, "weights": named}


def candidates(members: Sequence[Predictions]) -> Candidates:
    """Return the union of the labels that the `members` have stored of the same documents, in the same order."""
    stored = np.concatenate([member.labels for member in members], axis=1)
    labels = np.sort(stored, axis=1)
    labels[:, 1:][labels[:, 1:] == labels[:, :-1]] = -1
    labels = _without_leading_gaps(labels)
    rows = np.arange(len(labels))[:, None]
    width = stored.max(initial=0) + 2  # a pair is known by row * width + label
    known = np.where(labels < 0, (rows + 1) * width - 1, rows * width + labels).ravel()
    probabilities = np.zeros((len(members), labels.size), np.float32)
    for given, member in zip(probabilities, members, strict=True):
        given[np.searchsorted(known, (rows * width + member.labels).ravel())] = member.scores.ravel()
    return Candidates(labels, probabilities.reshape(len(members), *labels.shape))


def _without_leading_gaps(labels: np.ndarray) -> np.ndarray:
    """Return the rows of `labels` with -1 last, and only as many columns as the fullest row needs."""
    order = np.argsort(labels < 0, axis=1, kind="stable")
    return np.take_along_axis(labels, order, axis=1)[:, : max(1, int((labels >= 0).sum(1).max(initial=0)))]


def frequency_bins(frequencies: np.ndarray, edges: Sequence[int]) -> np.ndarray:
    """Return the bin (L,) of each label by its training `frequencies` (L,); one that was never seen is in the first."""
    return np.searchsorted([0, *edges], np.maximum(frequencies, 1)) - 1


def fit(found: Candidates, split: Split, bins: np.ndarray, count: int) -> Stack:
    """Return weights for the candidates `found` of the documents of `split`; `bins` (L,), of `count`, are the labels'.

    Those of the bin with most true labels add up to 1: of these labels the weighted mean is a probability. Of the ways
    of weighting the one is taken that does best on documents that its weights were not fitted on, half of them at a
    time; of equally good ones the simplest.
    """
    truth = hits(found.labels, split, np.arange(len(split))) & (found.labels >= 0)
    places = bins[found.labels]
    leading = int(np.bincount(places[truth], minlength=count).argmax())
    ideal = ideal_dcg(np.diff(split.label_offsets), TOP)
    everything = _Judged(found, truth, ideal, places, count, leading)
    validated = dict.fromkeys(_WAYS, 0.0)
    for fold in range(FOLDS):
        held_out = np.arange(len(split)) % FOLDS == fold
        learned, judged = everything.of(~held_out), everything.of(held_out)
        for way, weigh in _WAYS.items():
            validated[way] += judged.ndcg(weigh(learned)) * held_out.mean()
    best = max(_WAYS, key=lambda way: validated[way])
    return Stack(_WAYS[best](everything), best, validated)


class _Judged(NamedTuple):
    """Candidates of documents whose true labels are known."""

    found: Candidates
    truth: np.ndarray  # (N, C) bool
    ideal: np.ndarray  # (N,) the best DCG@5 of a document
    places: np.ndarray  # (N, C) the bin of each candidate
    bins: int  # B
    leading: int  # the bin with most true labels

    def of(self, chosen: np.ndarray) -> "_Judged":
        """Return the documents that are `chosen` (N,) alone."""
        found = Candidates(self.found.labels[chosen], self.found.probabilities[:, chosen])
        return self._replace(
            found=found, truth=self.truth[chosen], ideal=self.ideal[chosen], places=self.places[chosen]
        )

    def ndcg(self, weights: np.ndarray) -> float:
        """Return the nDCG@5 of the ranking by `weights` (M, B)."""
        best = np.argsort(-_scores(self.found, weights, self.places), axis=1, kind="stable")[:, :TOP]
        right = np.take_along_axis(self.truth, best, axis=1)
        return float((right @ discounts(right.shape[1]) / self.ideal).mean())


def _equal(judged: _Judged) -> np.ndarray:
    members = len(judged.found.probabilities)
    return np.full((members, judged.bins), 1 / members)


def _of_members(judged: _Judged) -> np.ndarray:
    def everywhere(weights: np.ndarray) -> np.ndarray:
        return np.tile(weights[:, None], judged.bins)

    start = np.ones(len(judged.found.probabilities))
    best = _highest(lambda weights: judged.ndcg(everywhere(weights)), start)
    return everywhere(best / best.sum())


def _of_frequencies(judged: _Judged) -> np.ndarray:
    start = _of_members(judged)
    best = _highest(lambda weights: judged.ndcg(weights.reshape(start.shape)), start.ravel()).reshape(start.shape)
    return best / best[:, judged.leading].sum()


_WAYS: dict[Way, Callable[[_Judged], np.ndarray]] = {
    "mean": _equal,
    "members": _of_members,
    "frequencies": _of_frequencies,
}


def weighted(found: Candidates, weights: np.ndarray, bins: np.ndarray, k: int) -> Predictions:
    """Return the `k` best of the candidates `found` of each document by `weights` (M, B); `bins` (L,) as in `fit`.

    Weights that are more than 1 together can make scores that are more, too: they keep their order and are stored as 1.
    """
    scores = _scores(found, weights, bins[found.labels])
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    labels, chosen = np.take_along_axis(found.labels, best, axis=1), np.take_along_axis(scores, best, axis=1)
    return Predictions(labels, chosen.clip(0, 1).astype(np.float32))


def _scores(found: Candidates, weights: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return (N, C) the weighted sums of the members' probabilities; -1 where there is no candidate."""
    scores = np.zeros(found.labels.shape)
    for given, own in zip(found.probabilities, weights, strict=True):
        scores += own[places] * given
    scores[found.labels < 0] = -1
    return scores


def _highest(gain: Callable[[np.ndarray], float], start: np.ndarray) -> np.ndarray:
    """Return the weights with the highest `gain` that Powell's method (1964) finds from `start`, all above 0.

    It needs no gradient: the gain of a ranking has none. It moves their logarithms, which need no bounds.
    """
    from scipy.optimize import minimize  # not where a model is only used: it takes a second to import

    found = minimize(
        lambda logarithms: -gain(np.exp(logarithms)),
        np.log(start),
        method="Powell",
        options={"maxiter": ROUNDS, "xtol": TOLERANCE, "ftol": 1e-5},
    )
    return np.exp(found.x)
