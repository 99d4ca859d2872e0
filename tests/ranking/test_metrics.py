from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toys import split_of
from xmlcore.data.dataset import UNSEEN_LABEL
from xmlcore.ranking.metrics import hits, ndcg_at_k, precision_at_k, ranking_metrics, recall_at_k, robustness_gap

SECOND, THIRD = 1 / log2(3), 1 / log2(4)  # discounts of the ranks after the first, whose discount is 1


def measure(labels, top):
    split = split_of([[1]] * len(labels), labels)
    found = hits(np.array(top), split, np.arange(len(labels)))
    return ranking_metrics(found, np.diff(split.label_offsets))


@pytest.mark.parametrize(
    ("labels", "top", "expected"),
    [
        ([3], [3, 0, 1, 2, 4], {"P@1": 1, "P@3": 1 / 3, "P@5": 1 / 5, "nDCG@1": 1, "nDCG@3": 1, "nDCG@5": 1}),
        ([3], [0, 1, 3, 2, 4], {"P@1": 0, "P@3": 1 / 3, "P@5": 1 / 5, "nDCG@1": 0, "nDCG@3": THIRD, "nDCG@5": THIRD}),
        (
            [0, 3],
            [3, 1, 0, 2, 4],
            {"P@1": 1, "P@3": 2 / 3, "P@5": 2 / 5, "nDCG@1": 1, "nDCG@3": (1 + THIRD) / (1 + SECOND)},
        ),
        (range(6), [0, 1, 9, 8, 7], {"P@1": 1, "P@3": 2 / 3, "nDCG@3": (1 + SECOND) / (1 + SECOND + THIRD)}),
        ([], [0, 1, 2, 3, 4], {"P@1": 0, "P@5": 0, "nDCG@1": 0, "nDCG@3": 0, "nDCG@5": 0}),
        # A label unseen in training is a true one that nothing can hit.
        ([UNSEEN_LABEL], [0, 1, 2, 3, 4], {"P@1": 0, "nDCG@1": 0}),
        ([UNSEEN_LABEL, 2], [2, 0, 1, 3, 4], {"P@1": 1, "P@3": 1 / 3, "nDCG@1": 1, "nDCG@3": 1 / (1 + SECOND)}),
    ],
    ids=["first", "third", "two of two", "more labels than k", "no label", "unseen label", "one unseen"],
)
def test_one_document_by_hand(labels, top, expected):
    measured = measure([labels], [top])
    assert {key: measured[key] for key in expected} == pytest.approx(expected)


def test_the_mean_is_over_all_documents():
    measured = measure([[0], [1], []], [[0, 1, 2, 3, 4]] * 3)
    assert measured["P@1"] == pytest.approx(1 / 3)
    assert measured["nDCG@3"] == pytest.approx((1 + SECOND) / 3)


def test_hits_of_chosen_documents():
    split = split_of([[1]] * 3, [[0], [1, 2], [2]])
    assert hits(np.array([[2, 0], [0, 1]]), split, np.array([2, 1])).tolist() == [[True, False], [False, True]]


def test_hits_keep_documents_apart():
    # The unseen label of a document is not the highest label of the one before, nor 0 the one after it.
    split = split_of([[1]] * 3, [[3], [UNSEEN_LABEL], [UNSEEN_LABEL, 0]])
    found = hits(np.array([[3, 0], [3, 0], [3, 0]]), split, np.arange(3))
    assert found.tolist() == [[True, False], [False, False], [False, True]]


def test_recall_is_a_mean_over_the_documents_that_have_labels():
    split = split_of([[1]] * 3, [[0, 1, UNSEEN_LABEL], [4], []])
    found = hits(np.array([[0, 1, 2]] * 3), split, np.arange(3))
    counts = np.diff(split.label_offsets)
    assert [recall_at_k(found, counts, k) for k in (1, 3)] == pytest.approx([1 / 6, 1 / 3])
    assert recall_at_k(found[2:], counts[2:], 3) == 0


def test_keys():
    assert [*measure([[0]], [[0, 1, 2, 3, 4]])] == ["P@1", "P@3", "P@5", "nDCG@1", "nDCG@3", "nDCG@5"]


def test_the_gap_is_clean_minus_attacked():
    clean = {"P@1": 0.9, "P@3": 0.6, "P@5": 0.4, "nDCG@1": 0.9}
    attacked = {"P@1": 0.5, "P@3": 0.5, "P@5": 0.4, "nDCG@1": 0.5}
    assert robustness_gap(clean, attacked) == pytest.approx({"gap@1": 0.4, "gap@3": 0.1, "gap@5": 0.0})


documents = st.lists(st.tuples(st.sets(st.integers(0, 9)), st.permutations(range(10))), min_size=1, max_size=8)


@given(documents, st.integers(1, 6))
def test_as_counted_one_by_one(documents, k):
    split = split_of([[1]] * len(documents), [sorted(labels) for labels, _ in documents])
    found = hits(np.array([ranking[:6] for _, ranking in documents]), split, np.arange(len(documents)))
    precision = ndcg = recall = 0.0
    for labels, ranking in documents:
        gains = [label in labels for label in ranking[:k]]
        best = [rank < len(labels) for rank in range(k)]
        precision += sum(gains) / k
        if labels:
            ndcg += dcg(gains) / dcg(best)
            recall += sum(gains) / len(labels)
    assert precision_at_k(found, k) == pytest.approx(precision / len(documents))
    counts = np.diff(split.label_offsets)
    assert ndcg_at_k(found, counts, k) == pytest.approx(ndcg / len(documents))
    assert recall_at_k(found, counts, k) == pytest.approx(recall / max((counts > 0).sum(), 1))


def dcg(gains):
    return sum(gain / log2(rank + 2) for rank, gain in enumerate(gains))
