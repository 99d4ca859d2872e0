from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toys import split_of
from xmlcore.data.propensity import label_frequencies, propensities

CONSTANTS = [(0.55, 1.5), (0.5, 0.4), (0.6, 2.6)]


def test_frequencies_are_those_of_all_splits_together():
    first, second = split_of([[1]] * 3, [[0, 2], [], [2]]), split_of([[1]], [[1, 2]])
    frequencies = label_frequencies(first, second, labels=5)
    assert frequencies.tolist() == [1, 1, 3, 0, 0]
    assert frequencies.dtype == np.int64
    assert label_frequencies(split_of([[1]], [[]]), labels=2).tolist() == [0, 0]


def test_by_hand():
    # With A = B = 1 the formula is 1 / (1 + (log N - 1) * 2 / (n + 1)).
    expected = [1 / (2 * log(1000) - 1), 1 / log(1000), 2 / (log(1000) + 1), 10 / (log(1000) + 9)]
    assert propensities(np.array([0, 1, 3, 19]), 1000, 1.0, 1.0) == pytest.approx(expected)


@pytest.mark.parametrize(("a", "b"), CONSTANTS)
def test_one_document_has_a_label_with_propensity_one_over_log_n(a, b):
    assert propensities(np.array([1]), 15449, a, b) == pytest.approx(1 / log(15449))


def test_default_constants_on_a_label_of_ten_documents():
    # C = 8.210340 * 2.5 ** 0.55 = 13.590273, times 11.5 ** -0.55 = 0.260985 is 3.546863.
    assert propensities(np.array([10]), 10000, 0.55, 1.5) == pytest.approx(1 / 4.546863, abs=1e-6)


@pytest.mark.parametrize("documents", [1, 2])
def test_a_training_set_too_small_for_the_formula_has_propensity_one(documents):
    assert propensities(np.array([0, 1, 2]), documents, 0.55, 1.5).tolist() == [1, 1, 1]


@given(st.integers(1, 10**7), st.sampled_from(CONSTANTS))
def test_in_the_unit_interval_and_rising_with_frequency(documents, constants):
    found = propensities(np.arange(0, documents + 1, max(documents // 50, 1)), documents, *constants)
    assert (found > 0).all() and (found <= 1).all()
    assert (np.diff(found) > 0).all() or documents < 3


@pytest.mark.parametrize(("a", "b"), CONSTANTS)
def test_as_napkinxc(a, b):
    metrics = pytest.importorskip("napkinxc.metrics")
    truth = np.random.default_rng(0).random((500, 30)) < np.linspace(0, 0.3, 30)
    split = split_of([[1]] * 500, [np.flatnonzero(row) for row in truth])
    found = propensities(label_frequencies(split, labels=30), 500, a, b)
    assert found == pytest.approx(metrics.Jain_et_al_propensity(truth.astype(int), a, b))
