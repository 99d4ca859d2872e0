"""Explanations as data, for the report and the comparison of models."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xmlcore.explain.attributions import ShapValues, Surrogate
from xmlcore.explain.documents import Document


def as_objects(
    document: Document, explanations: Sequence[Surrogate] | Sequence[ShapValues]
) -> Iterator[dict[str, Any]]:
    """One flat object a label; for a document without an explanation, one that says why."""
    origin = {"document": document.index, "doc_id": document.doc_id}
    if not explanations:
        yield origin | {"skipped": "the document has no token"}
    names = {prediction.label: prediction.name for prediction in document.predictions}
    for explanation in explanations:
        yield origin | {"label_name": names[explanation.label]} | asdict(explanation)


def write_json(path: Path, objects: Sequence[dict[str, Any]]) -> None:
    """Write a list of objects, the form `dvc plots` reads."""
    path.write_text(json.dumps(objects, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
