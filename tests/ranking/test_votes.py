"""Certificates by votes: bounds of probabilities, and the theorem against distributions that keep within them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from xmlcore.ranking.votes import Difference, Shift, certain_hits, probability_bounds


def known(probabilities: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of probabilities that are known."""
    exact = np.array(probabilities)
    return exact, exact


def test_the_bounds_are_those_of_clopper_and_pearson() -> None:
    low, high = probability_bounds(np.array([0, 30, 100]), 100, 0.97)
    assert (low[0], high[2]) == (0, 1)
    for votes, below, above in ((30, low[1], high[1]), (100, low[2], None), (0, None, high[0])):
        if below is not None:
            assert binom.sf(votes - 1, 100, below) == pytest.approx(0.01)
        if above is not None:
            assert binom.cdf(votes, 100, above) == pytest.approx(0.01)


def test_one_label_of_one_withstands_what_cohen_says() -> None:
    low, high = known([0.9, 0.1, 0.0])
    true = np.array([True, False, False])
    radius = (norm.ppf(0.9) - norm.ppf(0.1)) / 2  # deviations
    assert certain_hits(low, high, true, 1, Shift(0.99 * radius)) == 1
    assert certain_hits(low, high, true, 1, Shift(1.01 * radius)) == 0


def test_labels_that_nothing_can_reach_are_certain_and_too_few_others_cannot_push_one_out() -> None:
    low, high = known([0.9, 0.8, 0.1])
    assert certain_hits(low, high, np.array([True, True, False]), 2, Difference(0.3)) == 2
    assert certain_hits(low, high, np.array([True, True, False]), 2, Difference(0.4)) == 1  # one other: one stays
    assert certain_hits(low, high, np.array([True, True, True]), 3, Difference(1.0)) == 3
    assert certain_hits(low, high, np.array([False, False, False]), 1, Difference(0.0)) == 0


draws = st.lists(st.lists(st.integers(0, 5), min_size=2, max_size=2, unique=True), min_size=4, max_size=12)


@given(draws, st.sets(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 3), st.data())
def test_whatever_a_share_of_the_copies_become_as_many_stay(
    copies: list[list[int]], labels: set[int], count: int, data: st.DataObject
) -> None:
    """Copies vote for two labels each; any `count` of them vote for any two others instead."""
    true, k = np.isin(np.arange(6), [*labels]), 2
    share = np.bincount(np.ravel(copies), minlength=6) / len(copies)
    certain = certain_hits(share, share, true, k, Difference(count / len(copies)))
    moved = [*copies]
    for _ in range(count):
        place = data.draw(st.integers(0, len(moved) - 1))
        moved[place] = data.draw(st.permutations(range(6)))[:k]
    votes = np.bincount(np.ravel(moved), minlength=6)
    others_first = np.lexsort((true, -votes))[:k]  # ties go to the wrong labels
    assert true[others_first].sum() >= certain


@given(st.integers(0, 2**32 - 1), st.floats(0, 2))
def test_wherever_a_normal_moves_as_many_stay(seed: int, deviations: float) -> None:
    """A line is cut into pieces, each with its two best labels; the document moves along it."""
    rng = np.random.default_rng(seed)
    cuts = np.concatenate([[-np.inf], np.sort(rng.normal(0, 1.5, 7)), [np.inf]])
    best = np.array([rng.permutation(6)[:2] for _ in range(8)])
    true, k = np.isin(np.arange(6), rng.permutation(6)[:3]), 2

    def probabilities(place: float) -> np.ndarray:
        pieces = np.diff(norm.cdf(cuts - place))
        return np.bincount(best.ravel(), weights=np.repeat(pieces, 2), minlength=6)

    here = probabilities(0.0).clip(0, 1)
    certain = certain_hits(here, here, true, k, Shift(deviations))
    for place in np.linspace(-deviations, deviations, 9):
        there = probabilities(place)
        assert true[np.lexsort((true, -there.round(12)))[:k]].sum() >= certain
