import numpy as np
import pytest

from xmlcore.explain.study.agreement import likenesses


def explanation(weights, doc_id="n1", label="C15"):
    return {"doc_id": doc_id, "label_name": label, "tokens": list(weights), "weights": list(weights.values())}


def test_equal_explanations_agree_fully():
    one = [explanation({"profit": 0.5, "rain": -0.2, "and": 0.1})]
    assert likenesses(one, one) == ([1], [pytest.approx(1)])


def test_opposite_weights_keep_the_tokens_and_turn_the_ranks():
    weights = {"a": 0.3, "b": 0.2, "c": -0.1}
    turned = {token: -weight for token, weight in weights.items()}
    assert likenesses([explanation(weights)], [explanation(turned)]) == ([1], [pytest.approx(-1)])


def test_figures_by_hand():
    clean = explanation({"a": 3, "b": 2, "c": 1})
    adversarial = explanation({"a": 3, "b": 1, "d": 2})
    overlaps, correlations = likenesses([clean], [adversarial], top=2)
    assert overlaps == [pytest.approx(1 / 3)]  # {a, b} and {a, d}
    # a, b, c, d weigh 3 2 1 0 and 3 1 0 2: of six pairs four agree
    assert correlations == [pytest.approx((4 - 2) / 6)]


def test_occurrences_are_summed():
    clean = {"doc_id": "n1", "label_name": "C15", "tokens": ["a", "b", "a"], "weights": [1, 1.5, 1]}
    assert likenesses([clean], [explanation({"a": 2, "b": 1})], top=1)[0] == [1]


def test_only_predictions_of_both_models_are_compared():
    clean = [explanation({"a": 1, "b": 2}), explanation({"a": 1}, label="M11")]
    adversarial = [explanation({"a": 1, "b": 2}), explanation({"a": 1}, doc_id="n3")]
    assert [len(figures) for figures in likenesses(clean, adversarial)] == [1, 1]


def test_one_token_has_no_ranks_to_correlate():
    assert likenesses([], []) == ([], [])
    (overlap,), (correlation,) = likenesses([explanation({"a": 1})], [explanation({"a": 2})])
    assert overlap == 1 and np.isnan(correlation)
