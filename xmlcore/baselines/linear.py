"""A linear classifier on tf-idf, with groups of like labels where there are many: what a network should be better than.

Squared hinge loss by liblinear, a classifier for each label, its weak weights cut (Babbar and Schölkopf 2017). Many
labels form groups, as in a shallow label tree (Prabhu et al. 2018; Khandagale et al. 2020): a classifier for each group
tells who has any of its labels, and one for each label is trained among those alone. The probability of a label is that
of its group times its own.
"""

import warnings
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.svm import LinearSVC

from xmlcore.config.params import Baseline
from xmlcore.data.dataset import Split
from xmlcore.data.label_clustering import order_by_similarity
from xmlcore.data.sparse_matrices import count_matrix, label_matrix
from xmlcore.ranking.predictions import Predictions, Track, untracked

TOLERANCE, ITERATIONS = 0.1, 20  # of liblinear: more change nothing that a ranking shows
WEAK = 0.05  # weights that are cut
BEST_GROUPS = 10  # whose labels are scored
AT_ONCE = 1 << 24  # probabilities in memory: as many documents times all labels


class LinearClassifier:
    """Tf-idf and classifiers of groups and labels, fitted to a split."""

    def __init__(
        self, split: Split, labels: int, vocabulary: int, options: Baseline, seed: int, track: Track = untracked
    ) -> None:
        """Fit to the documents of `split`, of `vocabulary` tokens, that have any of `labels` labels."""
        self._labels, self._vocabulary = labels, vocabulary
        counts = count_matrix(split, vocabulary)
        self._weighting = TfidfTransformer(sublinear_tf=True).fit(counts)
        features, truth = self._weighting.transform(counts), label_matrix(split, labels)
        order = order_by_similarity(split, labels, seed) if labels > options.group else np.arange(labels)
        self._groups = _halved(order, options.group)
        inside = [np.asarray(truth[:, group].sum(1)).ravel() > 0 for group in self._groups]
        self._of_groups = _fit(features, inside, options.cost, seed)
        self._of_labels = []
        for group, members in track(list(zip(self._groups, inside, strict=True)), "linear", total=len(self._groups)):
            own = truth[members][:, group].toarray().T > 0
            self._of_labels.append(_fit(features[members], own, options.cost, seed))

    def predict(self, split: Split, k: int) -> Predictions:
        """Return the `k` best labels of each document of `split`, or all where there are fewer."""
        features = self._weighting.transform(count_matrix(split, self._vocabulary))
        size = max(1, AT_ONCE // self._labels)
        starts = range(0, len(split), size)
        parts = [self._best(features[start : start + size], min(k, self._labels)) for start in starts]
        labels, scores = (np.concatenate(each) for each in zip(*parts, strict=True))
        return Predictions(labels, scores)

    def _best(self, features: sparse.csr_matrix, k: int) -> tuple[np.ndarray, np.ndarray]:
        scores = np.zeros((features.shape[0], self._labels), np.float32)
        of_groups = self._of_groups.probabilities(features)
        least = np.sort(of_groups, 1)[:, -min(BEST_GROUPS, len(self._groups))]
        for place, (group, of_labels) in enumerate(zip(self._groups, self._of_labels, strict=True)):
            chosen = np.flatnonzero(of_groups[:, place] >= least)
            found = of_labels.probabilities(features[chosen]) * of_groups[chosen, place, None]
            scores[np.ix_(chosen, group)] = found
        best = np.argsort(-scores, 1, kind="stable")[:, :k]
        return best.astype(np.int32), np.take_along_axis(scores, best, 1)


def _halved(order: np.ndarray, most: int) -> list[np.ndarray]:
    """Return `order` cut as it was made, half by half, into groups of `most` labels at most."""
    if len(order) <= most:
        return [order]
    middle = -(-len(order) // 2)
    return [*_halved(order[:middle], most), *_halved(order[middle:], most)]


class _Weights(NamedTuple):
    """Classifiers on the same features: `weights` (V, C) and `biases` (C,)."""

    weights: sparse.csr_matrix
    biases: np.ndarray

    def probabilities(self, features: sparse.csr_matrix) -> np.ndarray:
        """Return (N, C) the likelihood of the squared hinge loss, exp(-max(0, 1 - z)²) (Prabhu et al. 2018)."""
        distances = (features @ self.weights).toarray() + self.biases
        return np.exp(-np.square(np.maximum(0, 1 - distances)))


def _fit(features: sparse.csr_matrix, targets: Iterable[np.ndarray], cost: float, seed: int) -> _Weights:
    """Return a classifier for each of `targets`, which documents (N,) are its own."""
    weights, biases = [], []
    for own in targets:
        if own.all() or not own.any():
            weights.append(sparse.csr_matrix((1, features.shape[1]), dtype=np.float32))
            biases.append(1.0 if own.any() else -np.inf)
            continue
        machine = LinearSVC(C=cost, tol=TOLERANCE, max_iter=ITERATIONS, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            machine.fit(features, own)
        strong = np.where(np.abs(machine.coef_) < WEAK, 0, machine.coef_)
        weights.append(sparse.csr_matrix(strong, dtype=np.float32))
        biases.append(machine.intercept_[0])
    return _Weights(sparse.vstack(weights).T.tocsr(), np.array(biases, np.float32))
