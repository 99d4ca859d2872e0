"""Training documents changed at random, (T,) token ids each, so that no single word decides."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from xmlcore.data.tokens import UNK

NEIGHBOURS = 8  # tokens that may replace one
SLICE = 1024  # rows of the table compared at once: what bounds the memory


def drop_tokens(document: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Return `document` (T,) without a share of its tokens, drawn from 0 to twice `rate`; one token stays at least."""
    kept = document[rng.random(len(document)) >= 2 * rate * rng.random()]
    return kept if len(kept) else document[:1]


def substitute_tokens(
    document: np.ndarray, neighbours: np.ndarray, rate: float, rng: np.random.Generator
) -> np.ndarray:
    """Return `document` (T,) with each token replaced, with probability `rate`, by one of its `neighbours` (V, N)."""
    substitutes = neighbours[document, rng.integers(neighbours.shape[1], size=len(document))]
    return np.where(rng.random(len(document)) < rate, substitutes, document)


def nearest_tokens(table: Tensor) -> np.ndarray:
    """Return for each token those (V, N) whose rows of `table` (V, D) point most nearly its way, N <= `NEIGHBOURS`.

    The padding and the unknown token are neighbours of themselves alone.
    """
    directions = functional.normalize(table.detach(), dim=1)
    count = min(NEIGHBOURS, len(table) - UNK - 2)
    nearest = torch.arange(len(table)).unsqueeze(1).repeat(1, max(count, 1))
    if count < 1:
        return nearest.numpy()
    for first in range(UNK + 1, len(table), SLICE):
        cosine = directions[first : first + SLICE] @ directions[UNK + 1 :].T
        own = torch.arange(first, first + len(cosine))
        cosine[torch.arange(len(cosine)), own - UNK - 1] = -torch.inf
        nearest[own] = cosine.topk(count).indices + UNK + 1
    return nearest.numpy()
