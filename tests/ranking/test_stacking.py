"""A stack: candidates by hand, and weights where it is known which member is right of which labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toys import split_of
from xmlcore.ranking.metrics import hits, ranking_metrics
from xmlcore.ranking.predictions import Predictions
from xmlcore.ranking.stacking import candidates, fit, frequency_bins, weighted

LABELS = 12
BINS = np.repeat([0, 1], LABELS // 2)


def predictions(*rows: dict[int, float]) -> Predictions:
    """Stored labels with their probabilities, best first."""
    ordered = [sorted(row.items(), key=lambda pair: -pair[1]) for row in rows]
    return Predictions(
        np.array([[label for label, _ in row] for row in ordered], np.int32),
        np.array([[score for _, score in row] for row in ordered], np.float32),
    )


def drawn(documents: int, *knows: tuple[float, float]):
    """Members that see through the noise of labels of the first bin, and of the second, as well as `knows` says."""
    rng = np.random.default_rng(0)
    truth = rng.random((documents, LABELS)) < 0.2
    found = []
    for each in knows:
        scores = np.where(BINS, each[1], each[0]) * truth + rng.random(truth.shape)
        order = np.argsort(-scores, axis=1)[:, :8]
        found.append(Predictions(order.astype(np.int32), np.take_along_axis(scores / 3, order, 1).astype(np.float32)))
    return found, split_of([[1]] * documents, [np.flatnonzero(row) for row in truth])


def ndcg(found: Predictions, split) -> float:
    right = hits(found.labels, split, np.arange(len(split)))
    return ranking_metrics(right, np.diff(split.label_offsets))["nDCG@5"]


def test_candidates_are_what_any_member_has_stored() -> None:
    found = candidates(
        [predictions({3: 0.9, 1: 0.5}, {0: 0.8, 2: 0.2}), predictions({1: 0.6, 3: 0.1}, {4: 0.7, 2: 0.3})]
    )
    assert found.labels.tolist() == [[1, 3, -1], [0, 2, 4]]
    assert found.probabilities == pytest.approx(
        np.array([[[0.5, 0.9, 0], [0.8, 0.2, 0]], [[0.6, 0.1, 0], [0, 0.3, 0.7]]])
    )


@given(st.integers(0, 1000), st.lists(st.floats(0, 1, width=32), min_size=2, max_size=4))
def test_a_stack_is_the_weighted_sum_of_dense_probabilities(seed: int, weights: list[float]) -> None:
    rng = np.random.default_rng(seed)
    dense = np.zeros((len(weights), 6, LABELS))
    members = []
    for scores in dense:
        order = np.array([rng.permutation(LABELS)[:4] for _ in scores])
        np.put_along_axis(scores, order, rng.random(order.shape), axis=1)
        members.append(Predictions(order.astype(np.int32), np.take_along_axis(scores, order, 1).astype(np.float32)))
    own = np.stack([np.array(weights), np.array(weights)[::-1]], axis=1)
    found = weighted(candidates(members), own, BINS, 4)
    expected = np.einsum("ml,mnl->nl", own[:, BINS], dense.astype(np.float32))
    assert found.scores == pytest.approx(np.sort(expected, axis=1)[:, ::-1][:, :4].clip(0, 1), abs=1e-6)


def test_the_member_that_knows_more_has_more_weight() -> None:
    members, split = drawn(400, (1.0, 1.0), (0.1, 0.1))
    stack = fit(candidates(members), split, BINS, 2)
    assert (stack.weights[0] > 2 * stack.weights[1]).all()
    assert stack.validated["members"] > stack.validated["mean"]


def test_each_member_is_heard_of_the_labels_that_it_knows() -> None:
    members, split = drawn(600, (1.0, 0.0), (0.0, 1.0))
    found = candidates(members)
    stack = fit(found, split, BINS, 2)
    assert stack.way == "frequencies"
    assert stack.weights[0, 0] > 2 * stack.weights[1, 0] and stack.weights[1, 1] > 2 * stack.weights[0, 1]
    best = weighted(found, stack.weights, BINS, 8)
    equal = weighted(found, np.full((2, 2), 0.5), BINS, 8)
    assert ndcg(best, split) > ndcg(equal, split) > max(ndcg(member, split) for member in members)


def test_like_members_are_meant_and_the_same_twice() -> None:
    members, split = drawn(200, (1.0, 1.0))
    one, two = (fit(candidates([*members, *members]), split, BINS, 2) for _ in range(2))
    assert one.way == "mean" and one.weights == pytest.approx(0.5)
    assert np.array_equal(one.weights, two.weights) and one.validated == two.validated


def test_weights_of_the_leading_bin_add_up_to_one_and_scores_stay_probabilities() -> None:
    members, split = drawn(300, (0.3, 1.0), (1.0, 0.2))
    stack = fit(candidates(members), split, BINS, 2)
    leading = np.bincount(BINS[split.labels]).argmax()
    assert stack.weights[:, leading].sum() == pytest.approx(1)
    found = weighted(candidates(members), 100 * stack.weights, BINS, 8)
    assert found.scores.max() == 1 and found.scores.min() >= 0
    assert np.array_equal(found.labels, weighted(candidates(members), stack.weights, BINS, 8).labels)


def test_figures_name_members_and_bins() -> None:
    members, split = drawn(50, (1.0, 1.0), (0.5, 0.5))
    figures = fit(candidates(members), split, BINS, 2).figures(["linear", "mach/clean/bce"], ["1-5", "6+"])
    assert [*figures["weights"]] == ["linear", "mach/clean/bce"]
    assert [*figures["weights"]["linear"]] == ["1-5", "6+"]
    assert [*figures["validation_nDCG@5"]] == ["mean", "members", "frequencies"]


def test_bins_by_training_documents() -> None:
    assert frequency_bins(np.array([0, 1, 5, 6, 20, 21, 1000]), [5, 20]).tolist() == [0, 0, 0, 1, 1, 2, 2]
