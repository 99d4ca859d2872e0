"""Whether explanations hold still: Sapkal and Savalia (2025) say so of robust models, by eye; here it is a number."""

from pathlib import Path

from pydantic import TypeAdapter

from xmlcore.common.artifacts import written_by
from xmlcore.common.intervals import interval
from xmlcore.explain.results import Drift, Method
from xmlcore.explain.study.agreement import WordWeights, likenesses

ByMethod = dict[Method, list[WordWeights]]


def read_study(path: Path) -> ByMethod:
    """Return explanations that the study wrote. Raises `UserError` where the file is damaged."""
    with written_by("explain", path):
        found = TypeAdapter(ByMethod).validate_json(path.read_bytes())
        if not found:
            raise ValueError("no method")
        if any(len(each["tokens"]) != len(each["weights"]) for of_method in found.values() for each in of_method):
            raise ValueError("as many weights as tokens expected")
        return found


def stability(first: ByMethod, second: ByMethod) -> dict[Method, Drift]:
    """Return by method `rank_correlation` and `overlap`, with intervals, of the predictions that both explain.

    For the figures see `xmlcore.explain.study.agreement`. What no prediction has is left out.
    """
    found: dict[Method, Drift] = {}
    for method, explanations in first.items():
        overlaps, correlations = likenesses(explanations, second.get(method, []))
        found[method] = {}
        if correlation := interval(correlations):
            found[method]["rank_correlation"] = correlation
        if overlap := interval(overlaps):
            found[method]["overlap"] = overlap
    return found
