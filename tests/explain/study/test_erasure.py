"""Faithfulness on scores known in closed form: each word adds its weight, so that the right ranking is known."""

from itertools import permutations

import numpy as np
import pytest

from xmlcore.explain.study.erasure import REMOVALS, Erasure, faithfulness
from xmlcore.explain.tokens import MASK

TOKENS = ["rain", "profit", "and", "profit", "share"]
WEIGHTS = {"profit": 0.4, "share": 0.2, "rain": -0.1}  # as in `WordScorer`, base 0.3; "and" weighs nothing


class Recorder:
    def __init__(self):
        self.asked = []

    def scores(self, documents, labels):
        self.asked += documents
        return np.zeros((len(documents), len(labels)), np.float32)


def erasure(scorer, removal="masking", batch_size=3):
    return Erasure(TOKENS, scorer, 0, removal, batch_size)


@pytest.mark.parametrize(
    ("removal", "expected"),
    [("masking", ["rain", MASK, "and", MASK, "share"]), ("deletion", ["rain", "and", "share"])],
)
def test_all_occurrences_go_together(removal, expected):
    recorder = Recorder()
    erasure(recorder, removal).scores(np.array([[True, False, True, True]]))
    assert recorder.asked == [expected]


@pytest.mark.parametrize("removal", REMOVALS)
def test_leave_one_out(scorer, removal):
    found = erasure(scorer, removal)
    assert found.words == ["rain", "profit", "and", "share"]
    assert found.leave_one_out() == pytest.approx([-0.1, 0.4, 0.0, 0.2], abs=1e-6)


def mean_loss(order):
    """By hand: after i words the loss is the sum of their weights."""
    return float(np.mean(np.cumsum([WEIGHTS.get(word, 0) for word in order])))


def test_mean_loss_of_every_order(scorer):
    found = erasure(scorer)
    for order in permutations(range(4)):
        expected = mean_loss([found.words[i] for i in order])
        assert found.mean_loss(np.array(order)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("beam", [1, 3])
def test_the_search_finds_the_extremes_of_an_additive_score(scorer, beam):
    losses = [mean_loss(order) for order in permutations(["rain", "profit", "and", "share"])]
    assert erasure(scorer).extreme_loss(1, beam) == pytest.approx(max(losses), abs=1e-6)
    assert erasure(scorer).extreme_loss(-1, beam) == pytest.approx(min(losses), abs=1e-6)


class Decoy:
    """ "a" goes alone for 0.2; "b" and "c" together for 0.9 and alone for nothing: greed takes "a" first, wrongly."""

    def scores(self, documents, labels):
        kept = [set(words) for words in documents]
        return np.array(
            [[0.2 * ("a" in words) + 0.7 * ("b" in words or "c" in words)] for words in kept], dtype=np.float32
        )


def test_a_wider_beam_is_not_greedy():
    found = Erasure(["a", "b", "c"], Decoy(), 0, "masking", 10)
    greedy, wider = (found.extreme_loss(1, beam) for beam in (1, 4))
    every = max(found.mean_loss(np.array(order)) for order in permutations(range(3)))
    assert greedy < wider == pytest.approx(every, abs=1e-6)


def test_the_right_ranking_is_perfect_and_its_reverse_worthless(scorer):
    right = {"rain": -0.1, "profit": 0.4, "and": 0.0, "share": 0.2}
    rankings = {
        "right": right,
        "wrong": {word: -weight for word, weight in right.items()},
        "flat": dict.fromkeys(right, 0),
    }
    found = faithfulness(erasure(scorer), rankings, beam=1)
    assert found["right"].naopc == pytest.approx(1)
    assert found["wrong"].naopc == pytest.approx(0)
    assert 0 < found["flat"].naopc < 1
    assert found["right"].comprehensiveness == pytest.approx(mean_loss(["profit", "share", "and", "rain"]), abs=1e-6)
    assert found["right"].sufficiency == pytest.approx(mean_loss(["rain", "and", "share", "profit"]), abs=1e-6)


def test_a_method_better_than_the_search_is_the_bound():
    found = Erasure(["a", "b", "c"], Decoy(), 0, "masking", 10)
    best = {"a": 0.0, "b": 2.0, "c": 1.0}
    assert faithfulness(found, {"best": best}, beam=1)["best"].naopc == 1


def test_a_score_that_no_word_changes_has_no_normalised_figure(scorer):
    flat = Erasure(TOKENS, scorer, 2, "masking", 10)
    assert np.isnan(faithfulness(flat, {"any": dict.fromkeys(flat.words, 1.0)}, beam=1)["any"].naopc)
