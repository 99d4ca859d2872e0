import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmlcore.explain.methods.shap import balanced_tree, shap_values
from xmlcore.explain.tokens import MASK, ModelTokens


def explain(tokens, scorer, labels=(0,), evaluations=400):
    return shap_values(ModelTokens(tokens), scorer, labels, evaluations=evaluations, seed=5, batch_size=64)


def test_values_of_an_additive_scorer_are_its_weights(scorer):
    first, second = explain(["profit", "and", "share", "with", "rain"], scorer, labels=(0, 1))
    assert first.weights == pytest.approx([0.4, 0, 0.2, 0, -0.1], abs=1e-6)
    assert second.weights == pytest.approx([0, 0, 0, 0, 0.5], abs=1e-6)
    assert (first.base_value, first.score) == (pytest.approx(0.3), pytest.approx(0.8))


def test_two_occurrences_of_which_one_suffices_share_the_value(scorer):
    (value,) = explain(["profit", "profit"], scorer)
    assert value.weights == pytest.approx([0.2, 0.2], abs=1e-6)


@pytest.mark.parametrize("evaluations", [1, 2, 10, 50])
def test_values_sum_to_the_score_whatever_the_budget(scorer, evaluations):
    tokens = ["profit", "share", "rain"] + [f"w{i}" for i in range(40)]
    (value,) = explain(tokens, scorer, evaluations=evaluations)
    assert value.base_value + sum(value.weights) == pytest.approx(0.8)
    assert sum(count for count, _ in scorer.asked) <= max(evaluations, 2) + 1


def test_asks_for_the_wanted_labels_only(scorer):
    explain(["profit", "rain"], scorer, labels=(2, 1))
    assert {labels for _, labels in scorer.asked} == {(2, 1)}


def test_same_seed_same_bits_and_the_global_generator_is_left_alone(scorer):
    tokens = ["profit", "share", "rain", *"abcdefghijk"]
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    once = explain(tokens, scorer, evaluations=12)
    assert np.random.random() == expected
    assert explain(tokens, scorer, evaluations=12) == once


def test_one_token_and_none(scorer):
    (value,) = explain(["profit"], scorer)
    assert value.weights == pytest.approx([0.4])
    assert explain([], scorer) == []


def test_hidden_tokens_keep_their_place():
    assert ModelTokens(["a", "b", "c"]).masked(np.array([True, False, True])) == ["a", MASK, "c"]


@given(st.integers(1, 200))
def test_balanced_tree_joins_every_leaf_once(leaves):
    tree = balanced_tree(leaves)
    assert tree.shape == (leaves - 1, 4)
    children = tree[:, :2].ravel()
    assert sorted(children) == list(range(2 * (leaves - 1)))
    assert all(child < leaves + row for row, pair in enumerate(tree[:, :2]) for child in pair)
    assert leaves == 1 or tree[-1, 3] == leaves
