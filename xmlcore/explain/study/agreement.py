"""How alike two explanations of the same predictions are: of two models, or before and after an attack."""

from collections.abc import Sequence
from math import nan
from typing import Annotated, NotRequired

from pydantic import Field, FiniteFloat, NonNegativeInt
from typing_extensions import TypedDict

from xmlcore.explain.token_weights import sum_by_token, top_tokens


class WordWeights(TypedDict):
    """What is used of an explanation of the study."""

    document: NotRequired[NonNegativeInt]
    doc_id: str
    label_name: str
    tokens: Annotated[list[str], Field(min_length=1)]
    weights: list[FiniteFloat]


def likenesses(
    first: Sequence[WordWeights], second: Sequence[WordWeights], top: int = 10
) -> tuple[list[float], list[float]]:
    """Return overlaps and rank correlations, one of each for every prediction that both explain.

    An explanation has `doc_id`, `label_name`, `tokens` and `weights`. A token's weight is the sum over its occurrences,
    and 0 where an explanation does not have the token.
    """
    ones, others = _weights_by_prediction(first), _weights_by_prediction(second)
    pairs = [(ones[key], others[key]) for key in ones if key in others]
    return [overlap(a, b, top) for a, b in pairs], [rank_correlation(a, b) for a, b in pairs]


def _weights_by_prediction(explanations: Sequence[WordWeights]) -> dict[tuple[str, str], dict[str, float]]:
    return {
        (explanation["doc_id"], explanation["label_name"]): sum_by_token(explanation["tokens"], explanation["weights"])
        for explanation in explanations
    }


def overlap(a: dict[str, float], b: dict[str, float], top: int) -> float:
    """Return the Jaccard index of the `top` tokens of largest absolute weight."""
    tokens_a, tokens_b = ({token for token, _ in top_tokens(weights, top)} for weights in (a, b))
    return len(tokens_a & tokens_b) / len(tokens_a | tokens_b)


def rank_correlation(a: dict[str, float], b: dict[str, float]) -> float:
    """Return Kendall's tau-b of the weights of all tokens of either; nan where it is not defined."""
    from scipy.stats import kendalltau

    tokens = sorted(a.keys() | b.keys())
    if len(tokens) < 2:
        return nan
    return float(kendalltau([a.get(t, 0.0) for t in tokens], [b.get(t, 0.0) for t in tokens]).statistic)
