"""The linear classifier: what it learns where the answer is known, alone and in groups of labels."""

import numpy as np
import pytest
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from toys import split_of, topics
from xmlcore.baselines.linear import fit_linear
from xmlcore.config.params import Baseline
from xmlcore.data.dataset import UNSEEN_LABEL
from xmlcore.data.sparse_matrices import label_matrix, tfidf_matrix
from xmlcore.ranking.predictions import predict

LABELS, WORDS = 40, 100


def precision(predictions, split) -> float:
    return float(np.mean([best in split.labels_of(i) for i, best in enumerate(predictions.labels[:, 0])]))


def fitted(split, group=200, labels=LABELS):
    return fit_linear(split, labels, WORDS, Baseline(group=group), seed=7)


@pytest.mark.parametrize("group", [200, 10])
def test_it_learns_which_words_tell_a_label_in_groups_too(group):
    classifier, test = fitted(topics(800, 0), group), topics(200, 1)
    found = predict(classifier, test, 5)
    assert precision(found, test) > 0.97
    assert found.labels.shape == (200, 5) and found.labels.dtype == np.int32
    assert (np.diff(found.scores) <= 0).all() and found.scores.min() >= 0 and found.scores.max() <= 1


def test_without_groups_it_ranks_as_linear_svms_do():
    training, test = topics(300, 0), topics(60, 1)
    found = predict(fitted(training), test, LABELS)
    features = tfidf_matrix(training, WORDS)
    machines = OneVsRestClassifier(LinearSVC()).fit(features, label_matrix(training, LABELS).toarray() > 0)
    expected = machines.decision_function(tfidf_matrix(test, WORDS))
    first = expected.argmax(1)[:, None]  # with the idf of the test documents, and no weight cut
    assert (found.labels[:, :2] == first).any(1).mean() > 0.95


def test_the_same_twice():
    training, test = topics(200, 0), topics(40, 1)
    one, two = (predict(fitted(training, 10), test, 5) for _ in range(2))
    assert np.array_equal(one.labels, two.labels) and np.array_equal(one.scores, two.scores)


def test_fewer_labels_than_asked_for_and_documents_without_words_or_labels():
    split = split_of([[1, 2], [3, 4], [], [1]], [[0], [1], [0], [UNSEEN_LABEL]])
    found = predict(fitted(split, labels=2), split, 10)
    assert found.labels.shape == (4, 2)
    assert found.labels[:2, 0].tolist() == [0, 1]
    assert np.isfinite(found.scores).all()


def test_a_label_of_every_document_and_one_of_none():
    split = split_of([[1], [2], [3]], [[0], [0], [0, 1]])
    found = predict(fitted(split, labels=3), split, 3)
    assert found.labels[:, 0].tolist() == [0, 0, 0]
    assert found.scores[:, 0].tolist() == [1, 1, 1]
    assert found.scores[:, -1].tolist() == [0, 0, 0]
