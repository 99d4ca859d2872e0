"""Whether explanations hold still: Sapkal and Savalia (2025) say so of robust models, by eye; here it is a number."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, FiniteFloat, TypeAdapter
from typing_extensions import TypedDict

from xmlcore.common.artifacts import written_by
from xmlcore.explain.intervals import interval
from xmlcore.explain.study.agreement import likenesses


class WordWeights(TypedDict):
    """What is used of an explanation of the study."""

    doc_id: str
    label_name: str
    tokens: Annotated[list[str], Field(min_length=1)]
    weights: list[FiniteFloat]


ByMethod = dict[str, list[WordWeights]]


def read_study(path: Path) -> ByMethod:
    """Explanations that the study wrote. Raises `UserError` where the file is damaged."""
    with written_by("explain", path):
        found = TypeAdapter(ByMethod).validate_json(path.read_bytes())
        if not found:
            raise ValueError("no method")
        if any(len(each["tokens"]) != len(each["weights"]) for of_method in found.values() for each in of_method):
            raise ValueError("as many weights as tokens expected")
        return found


def stability(first: ByMethod, second: ByMethod) -> dict[str, dict[str, dict[str, float]]]:
    """By method, `rank_correlation` and `overlap` of the predictions that both explain, with their intervals.

    For the figures see `xmlcore.explain.study.agreement`. What no prediction has is left out.
    """
    found = {}
    for method, explanations in first.items():
        overlaps, correlations = likenesses(explanations, second.get(method, []))
        figures = {"rank_correlation": interval(correlations), "overlap": interval(overlaps)}
        found[method] = {name: figure for name, figure in figures.items() if figure}
    return found
