"""Whether explanations hold still: seed 000 says so of adversarially trained models, by eye; here it is a number."""

from collections.abc import Mapping, Sequence
from typing import Any

from xmlcore.explain.compare import likenesses
from xmlcore.intervals import interval

ByMethod = Mapping[str, Sequence[dict[str, Any]]]


def stability(first: ByMethod, second: ByMethod) -> dict[str, dict[str, dict[str, float]]]:
    """By method, `rank_correlation` and `overlap` of the predictions that both explain, with their intervals.

    For the input see `xmlcore.explain.compare`, for the figures its `Comparison`. What no prediction has is left out.
    """
    found = {}
    for method, explanations in first.items():
        overlaps, correlations = likenesses(explanations, second[method])
        figures = {"rank_correlation": interval(correlations), "overlap": interval(overlaps)}
        found[method] = {name: figure for name, figure in figures.items() if figure}
    return found
