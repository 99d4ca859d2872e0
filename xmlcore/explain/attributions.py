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
    r2: float | None  # local fidelity: weighted R² over the neighbourhood; None where the score is the same everywhere
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


@dataclass(frozen=True)
class PathAttribution:
    """Integrated Gradients' share of each token in the logit: logit = baseline_logit + sum of the weights - delta."""

    label: int
    score: float  # the probability, sigmoid of the logit
    logit: float
    baseline_logit: float  # the logit of the baseline in the document's place
    delta: float  # convergence delta: by how much the weights sum to more than the change of the logit
    tokens: list[str]  # every occurrence, in the document's order
    weights: list[float]


Explanation = Surrogate | ShapValues | PathAttribution


def as_objects(document: Document, explanations: Sequence[Explanation]) -> Iterator[dict[str, Any]]:
    """Return one flat object a label; for a document without an explanation, one that says why."""
    origin = {"document": document.index, "doc_id": document.doc_id, "true_labels": list(document.true_labels)}
    if not explanations:
        yield origin | {"skipped": "the document has no token"}
    names = {prediction.label: prediction.name for prediction in document.predictions}
    for explanation in explanations:
        yield origin | {"label_name": names[explanation.label]} | asdict(explanation)
