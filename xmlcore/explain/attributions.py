"""What an explainer says of one label of one document."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from xmlcore.explain.documents import Document


@dataclass(frozen=True)
class Surrogate:
    """LIME's sparse linear model near the document: score of what is left = intercept + sum of the weights left."""

    label: int
    score: float  # the explained model's own probability for the whole document
    intercept: float
    r2: float  # local fidelity: weighted R² over the neighbourhood
    tokens: list[str]  # distinct, largest absolute weight first
    weights: list[float]


@dataclass(frozen=True)
class ShapValues:
    """SHAP's share of each token in the score: score = base_value + sum of the weights."""

    label: int
    score: float
    base_value: float  # the score with every token hidden
    tokens: list[str]  # every occurrence, in the document's order
    weights: list[float]


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
