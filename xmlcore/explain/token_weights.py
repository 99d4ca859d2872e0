"""Tokens by importance, from the weights of single occurrences; ties go by the token, so a ranking is reproducible."""

from collections import defaultdict
from collections.abc import Iterable


def sum_by_token(tokens: Iterable[str], weights: Iterable[float]) -> dict[str, float]:
    """Return the summed weight of each distinct token, in order of first occurrence."""
    sums: defaultdict[str, float] = defaultdict(float)
    for token, weight in zip(tokens, weights, strict=True):
        sums[token] += weight
    return dict(sums)


def top_tokens(weights: dict[str, float], count: int) -> list[tuple[str, float]]:
    """Return the `count` tokens of largest absolute weight, largest first."""
    return sorted(weights.items(), key=lambda item: (-abs(item[1]), item[0]))[:count]
