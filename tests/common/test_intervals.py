from math import nan, sqrt

import numpy as np
import pytest

from xmlcore.common.intervals import interval


def test_by_hand():
    found = interval([1.0, nan, 2.0, 6.0])
    error = 4.302653 * sqrt(7) / sqrt(3)  # Student's quantile of two degrees of freedom
    assert found == pytest.approx({"mean": 3.0, "low": 3 - error, "high": 3 + error})


def test_one_value_is_its_own_interval_and_none_has_none():
    assert interval(iter([0.5])) == {"mean": 0.5, "low": 0.5, "high": 0.5}
    assert interval([nan]) is None


@pytest.mark.parametrize("count", [3, 6, 20, 60])
def test_it_holds_the_mean_nineteen_times_in_twenty(count):
    rng = np.random.default_rng(0)
    found = [interval(rng.normal(5, 2, count).tolist()) for _ in range(2000)]
    assert sum(each["low"] <= 5 <= each["high"] for each in found) / 2000 == pytest.approx(0.95, abs=0.015)
