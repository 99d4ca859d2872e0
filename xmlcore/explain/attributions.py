"""What an explainer says of one label of one document."""

from dataclasses import dataclass


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
