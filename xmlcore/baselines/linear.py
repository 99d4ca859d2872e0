"""A linear classifier on tf-idf, with groups of like labels where there are many: what a network should be better than.

Squared hinge loss by liblinear, a classifier for each label, its weak weights cut (Babbar and Schölkopf 2017). Many
labels form groups, as in a shallow label tree (Prabhu et al. 2018; Khandagale et al. 2020): a classifier for each group
tells who has any of its labels, and one for each label is trained among those alone. The probability of a label is that
of its group times its own (`xmlcore.models.linear`).
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
from xmlcore.models.linear import LinearClassifier
from xmlcore.ranking.predictions import Track, untracked

TOLERANCE, ITERATIONS = 0.1, 20  # of liblinear: more change nothing that a ranking shows
WEAK = 0.05  # weights that are cut
SURE = 1e3  # the distance of what all documents have; its negative, of what none has


def fit_linear(
    split: Split, labels: int, vocabulary: int, options: Baseline, seed: int, track: Track = untracked
) -> LinearClassifier:
    """Return a classifier of `labels` labels, fitted to the documents of `split`, of `vocabulary` tokens."""
    counts = count_matrix(split, vocabulary)
    weighting = TfidfTransformer(sublinear_tf=True).fit(counts)
    features, truth = weighting.transform(counts), label_matrix(split, labels)
    order = order_by_similarity(split, labels, seed) if labels > options.group else np.arange(labels)
    groups = _halved(order, options.group)
    inside = [np.asarray(truth[:, group].sum(1)).ravel() > 0 for group in groups]
    fitted = [_fit(features, inside, options.cost, seed)]
    for group, members in track(list(zip(groups, inside, strict=True)), "linear", total=len(groups)):
        own = truth[members][:, group].toarray().T > 0
        fitted.append(_fit(features[members], own, options.cost, seed))
    in_groups = np.concatenate(groups)
    columns = np.concatenate([np.arange(len(groups)), len(groups) + np.argsort(in_groups)])
    group_of = np.empty(labels, np.int32)
    group_of[in_groups] = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    weights = sparse.hstack([each.weights for each in fitted], format="csc")[:, columns].tocsr()
    biases = np.concatenate([each.biases for each in fitted])[columns]
    return LinearClassifier(weighting.idf_, weights, biases, group_of)


def _halved(order: np.ndarray, most: int) -> list[np.ndarray]:
    """Return `order` cut as it was made, half by half, into groups of `most` labels at most."""
    if len(order) <= most:
        return [order]
    middle = -(-len(order) // 2)
    return [*_halved(order[:middle], most), *_halved(order[middle:], most)]


class _Weights(NamedTuple):
    """Classifiers on the same features: `weights` (V, C) and `biases` (C,)."""

    weights: sparse.csc_matrix
    biases: np.ndarray


def _fit(features: sparse.csr_matrix, targets: Iterable[np.ndarray], cost: float, seed: int) -> _Weights:
    """Return a classifier for each of `targets`, which documents (N,) are its own."""
    weights, biases = [], []
    for own in targets:
        if own.all() or not own.any():
            weights.append(sparse.csr_matrix((1, features.shape[1]), dtype=np.float32))
            biases.append(SURE if own.any() else -SURE)
            continue
        machine = LinearSVC(C=cost, tol=TOLERANCE, max_iter=ITERATIONS, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            machine.fit(features, own)
        strong = np.where(np.abs(machine.coef_) < WEAK, 0, machine.coef_)
        weights.append(sparse.csr_matrix(strong, dtype=np.float32))
        biases.append(machine.intercept_[0])
    return _Weights(sparse.vstack(weights).T.tocsc(), np.array(biases, np.float32))
