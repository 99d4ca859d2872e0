"""How alike two models explain the same predictions; the input is what `explanations.json` holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from statistics import fmean
from typing import Any

from xmlcore.explain.ranking import sum_by_token, top_tokens


@dataclass(frozen=True)
class Comparison:
    """Means over the pairs; None where no pair has the figure."""

    pairs: int  # predictions (document, label) that both models make and explain
    top_token_overlap: float | None  # Jaccard index of the tokens of largest absolute weight, 0 to 1
    rank_correlation: float | None  # Kendall's tau-b of the token weights, -1 to 1


def compare(clean: Sequence[dict[str, Any]], adversarial: Sequence[dict[str, Any]], top: int = 10) -> Comparison:
    """Compare the explanations of two models, one method, label by label.

    A token's weight is the sum over its occurrences, and 0 where an explanation does not have the token. A pair whose
    weights are all equal has no rank correlation.
    """
    overlaps, correlations = likenesses(clean, adversarial, top)
    return Comparison(len(overlaps), _mean(overlaps), _mean(correlations))


def likenesses(
    first: Sequence[dict[str, Any]], second: Sequence[dict[str, Any]], top: int = 10
) -> tuple[list[float], list[float]]:
    """Overlaps and rank correlations, one for each prediction that both explain; for their meaning see `Comparison`."""
    ones, others = _weights_by_prediction(first), _weights_by_prediction(second)
    pairs = [(ones[key], others[key]) for key in ones if key in others]
    return [overlap(a, b, top) for a, b in pairs], [rank_correlation(a, b) for a, b in pairs]


def _weights_by_prediction(explanations: Sequence[dict[str, Any]]) -> dict[tuple[str, str], dict[str, float]]:
    return {
        (explanation["doc_id"], explanation["label_name"]): sum_by_token(explanation["tokens"], explanation["weights"])
        for explanation in explanations
        if "skipped" not in explanation
    }


def overlap(a: dict[str, float], b: dict[str, float], top: int) -> float:
    """Jaccard index of the `top` tokens of largest absolute weight."""
    tokens_a, tokens_b = ({token for token, _ in top_tokens(weights, top)} for weights in (a, b))
    return len(tokens_a & tokens_b) / len(tokens_a | tokens_b)


def rank_correlation(a: dict[str, float], b: dict[str, float]) -> float:
    """Kendall's tau-b of the weights of all tokens of either; nan where it is not defined."""
    from scipy.stats import kendalltau

    tokens = sorted(a.keys() | b.keys())
    if len(tokens) < 2:
        return nan
    return float(kendalltau([a.get(t, 0.0) for t in tokens], [b.get(t, 0.0) for t in tokens]).statistic)


def _mean(values: Sequence[float]) -> float | None:
    defined = [value for value in values if not isnan(value)]
    return fmean(defined) if defined else None
