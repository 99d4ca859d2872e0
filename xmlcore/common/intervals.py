"""A mean, or a share, with the interval that it is known to."""

from collections.abc import Iterable
from math import isnan, sqrt
from statistics import fmean, stdev

from pydantic import FiniteFloat
from scipy.special import stdtrit
from scipy.stats import binomtest
from typing_extensions import TypedDict

OUTSIDE = 0.025  # of the intervals at either side


class Interval(TypedDict):
    """A mean over documents and its confidence interval."""

    mean: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat


def interval(values: Iterable[float]) -> Interval | None:
    """Return `mean` and the 95 % interval, `low` to `high`, of the `values` that are no nan; None if there is none.

    It is Student's (1908): with few values 1.96 standard errors hold the mean less often than 19 times in 20.
    """
    defined = [value for value in values if not isnan(value)]
    if not defined:
        return None
    mean = fmean(defined)
    count = len(defined)
    error = float(stdtrit(count - 1, 1 - OUTSIDE)) * stdev(defined) / sqrt(count) if count > 1 else 0.0
    return {"mean": mean, "low": mean - error, "high": mean + error}


def interval_of_share(successes: int, trials: int) -> Interval:
    """Return the share of `trials` that are `successes`, with Wilson's (1927) 95 % interval."""
    low, high = binomtest(successes, trials).proportion_ci(1 - 2 * OUTSIDE, "wilson")
    return {"mean": successes / trials, "low": float(low), "high": float(high)}
