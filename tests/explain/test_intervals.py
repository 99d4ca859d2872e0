from math import nan, sqrt

import pytest

from xmlcore.explain.intervals import interval


def test_by_hand():
    found = interval([1.0, nan, 3.0])
    assert found == pytest.approx({"mean": 2.0, "low": 2 - 1.96 * sqrt(2) / sqrt(2), "high": 2 + 1.96})


def test_one_value_is_its_own_interval_and_none_has_none():
    assert interval(iter([0.5])) == {"mean": 0.5, "low": 0.5, "high": 0.5}
    assert interval([nan]) is None


def test_it_holds_the_mean_nineteen_times_in_twenty():
    import numpy as np

    rng = np.random.default_rng(0)
    found = [interval(rng.normal(5, 2, 60).tolist()) for _ in range(1000)]
    assert sum(each["low"] <= 5 <= each["high"] for each in found) / 1000 == pytest.approx(0.95, abs=0.02)
