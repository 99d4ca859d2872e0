"""Whether explanations hold still: seed 000 says so of adversarially trained models, by eye; here it is a number."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xmlcore.explain.compare import likenesses
from xmlcore.intervals import interval
from xmlcore.stored import written_by

USED = ("doc_id", "label_name", "tokens", "weights")

ByMethod = Mapping[str, Sequence[dict[str, Any]]]


def read_study(path: Path) -> ByMethod:
    """Explanations that the study wrote. Raises `UserError` where the file is damaged."""
    with written_by("measure_explanations", path):
        found = json.loads(path.read_text(encoding="utf-8"))
        if not found:
            raise ValueError("no method")
        return {method: [{key: each[key] for key in USED} for each in of_method] for method, of_method in found.items()}


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
