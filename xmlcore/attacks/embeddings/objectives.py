"""What an attack on embeddings raises for each document: the loss of training, or how far labels are misranked."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

TOP = 5

Objective = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the binary cross-entropy (B,) of `logits` (B, L) with `targets` (B, L) of 0 and 1, summed over labels."""
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(1)


def margin(logits: Tensor, targets: Tensor, k: int = 1) -> Tensor:
    """Return the mean (B,) of the `k` best wrong logits minus that of the `k` best true ones, fewer if there are fewer.

    With `k` = 1, P@1 is lost where it is positive (Carlini and Wagner 2017, for one true label). A document without
    true labels has nothing subtracted.
    """
    return _mean_of_best(logits, targets == 0, k) - _mean_of_best(logits, targets > 0, k)


def top_margin(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the `margin` of the best `TOP` labels, which is what P@5 looks at."""
    return margin(logits, targets, TOP)


def _mean_of_best(logits: Tensor, chosen: Tensor, k: int) -> Tensor:
    best = logits.masked_fill(~chosen, -torch.inf).topk(min(k, logits.shape[1])).values
    there = best > -torch.inf
    return best.where(there, 0).sum(1) / there.sum(1).clamp(min=1)
