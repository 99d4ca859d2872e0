from math import log2

import numpy as np
import pytest

from toys import split_of
from xmlcore.data.dataset import UNSEEN_LABEL
from xmlcore.ranking.label_metrics import (
    best_gains,
    macro_f1,
    micro_f1,
    precision,
    psndcg_at_k,
    psp_at_k,
    recall,
    tally,
)
from xmlcore.ranking.metrics import hits

SECOND, THIRD = 1 / log2(3), 1 / log2(4)  # discounts of the ranks after the first, whose discount is 1
PROPENSITIES = np.array([1, 1 / 2, 1 / 4, 1 / 8])  # of labels 0, 1, 2 and one that training never saw


def measure(labels, top):
    """gains, best gains and label counts."""
    split = split_of([[1]] * len(labels), labels)
    gains = hits(np.array(top), split, np.arange(len(labels))) / PROPENSITIES[np.array(top)]
    return gains, best_gains(split, PROPENSITIES), np.diff(split.label_offsets)


def test_best_gains_fall_and_end_with_zeros():
    split = split_of([[1]] * 3, [[0, 2], [], [UNSEEN_LABEL, UNSEEN_LABEL, 0, 1, 2, 1, 0]])
    assert best_gains(split, PROPENSITIES).tolist() == [[4, 1, 0, 0, 0], [0] * 5, [8, 8, 4, 2, 2]]


@pytest.mark.parametrize(
    ("labels", "top", "psp", "psndcg"),
    [
        ([[0]], [[0, 1, 2]], [1, 1], [1, 1]),
        ([[0, 2]], [[0, 1, 2]], [1 / 4, 1], [1 / 4, (1 + 4 * THIRD) / (4 + SECOND)]),
        ([[0, 2]], [[2, 0, 1]], [1, 1], [1, 1]),
        # A document without labels adds nothing, also not to the best.
        ([[0, 2], []], [[0, 1, 2], [0, 1, 2]], [1 / 4, 1], [1 / 4, (1 + 4 * THIRD) / (4 + SECOND)]),
        # Sums of both documents are divided: (1 + 0) / (1 + 4), not the mean of 1 and 0.
        ([[0], [2]], [[0, 1, 2], [0, 1, 2]], [1 / 5, 1], [1 / 5, (1 + 4 * THIRD) / 5]),
        # DCG is divided by the plain ideal of each document: 1 for the first, 1 + SECOND for the other.
        (
            [[0], [1, 2]],
            [[1, 0, 2], [2, 1, 0]],
            [4 / 5, 1],
            [4 / 5, (SECOND + (4 + 2 * SECOND) / (1 + SECOND)) / (1 + (4 + 2 * SECOND) / (1 + SECOND))],
        ),
        # The unseen label weighs 8.
        ([[UNSEEN_LABEL, 1]], [[1, 0, 2]], [2 / 8, 2 / 10], [2 / 8, 2 / (8 + 2 * SECOND)]),
        ([[UNSEEN_LABEL]], [[1, 0, 2]], [0, 0], [0, 0]),
        ([[]], [[0, 1, 2]], [0, 0], [0, 0]),
    ],
)
def test_propensity_scored_by_hand(labels, top, psp, psndcg):
    gains, best, counts = measure(labels, top)
    assert [psp_at_k(gains, best, k) for k in (1, 3)] == pytest.approx(psp)
    assert [psndcg_at_k(gains, best, counts, k) for k in (1, 3)] == pytest.approx(psndcg)


def test_tally_and_its_metrics_by_hand():
    top = np.array([[0, 1], [2, 0], [1, 2]])
    split = split_of([[1]] * 3, [[UNSEEN_LABEL, UNSEEN_LABEL, 0, 1], [0], []])
    chosen = np.array([[True, True], [True, True], [True, False]])
    found = tally(top, hits(top, split, np.arange(3)), chosen, split, labels=4)
    assert found.tolist() == [[2, 1, 0, 0, 0], [2, 2, 1, 0, 0], [2, 1, 0, 0, 2]]
    assert precision(found) == 3 / 5
    assert recall(found) == 3 / 5
    assert micro_f1(found) == 6 / 10
    assert macro_f1(found[:, :-1]) == pytest.approx((1 + 2 / 3) / 2)  # labels 2 and 3 are true of no document


def test_nothing_predicted_and_nothing_true_is_zero():
    nothing = np.zeros((3, 2), np.int64)
    assert [metric(nothing) for metric in (precision, recall, micro_f1, macro_f1)] == [0, 0, 0, 0]
