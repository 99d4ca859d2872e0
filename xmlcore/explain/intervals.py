"""A mean with the interval that it is known to."""

from collections.abc import Iterable
from math import isnan, sqrt
from statistics import fmean, stdev

from pydantic import FiniteFloat
from typing_extensions import TypedDict

NORMAL = 1.96  # standard errors to either side of a mean, of 95 % of them


class Interval(TypedDict):
    """A mean over documents and its confidence interval."""

    mean: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat


def interval(values: Iterable[float]) -> Interval | None:
    """Return `mean` and the 95 % interval, `low` to `high`, of the `values` that are no nan; None if there is none."""
    defined = [value for value in values if not isnan(value)]
    if not defined:
        return None
    mean = fmean(defined)
    error = NORMAL * stdev(defined) / sqrt(len(defined)) if len(defined) > 1 else 0.0
    return {"mean": mean, "low": mean - error, "high": mean + error}
