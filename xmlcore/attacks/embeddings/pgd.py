"""Projected gradient descent on embeddings (Madry et al. 2018): FGSM's step, made small and taken again and again."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from xmlcore.attacks.embeddings.balls import Ball
from xmlcore.attacks.embeddings.objectives import Objective
from xmlcore.models.base import Classifier


class Iterate(NamedTuple):
    """Where an attack is after a number of steps."""

    perturbation: Tensor  # (B, T, D)
    logits: Tensor  # (B, L) of the moved documents
    objective: Tensor  # (B,)


def pgd(
    model: Classifier,
    embeddings: Tensor,
    mask: Tensor,
    targets: Tensor,
    *,
    ball: Ball,
    objective: Objective,
    steps: int,
    step_size: float,
    start: Tensor | None = None,
) -> Iterator[Iterate]:
    """Yield the start and what each of `steps` leads to, `steps` + 1 iterates, each costing one pass forward and back.

    `embeddings` (B, T, D) of the documents, `mask` (B, T) true at real tokens, `targets` (B, L) of 0 and 1. A step goes
    `step_size` of the way to the border, up the gradient of `objective`. `start` (B, T, D) is where it begins, or none:
    the documents as they are. A run of fewer steps yields the first iterates of one of more.
    """
    perturbation = torch.zeros_like(embeddings) if start is None else start
    for step in range(steps + 1):
        with torch.enable_grad():
            probe = perturbation.detach().requires_grad_()
            logits = model.score(embeddings + probe, mask)
            values = objective(logits, targets)
            if step < steps:
                (gradient,) = torch.autograd.grad(values.sum(), probe)
        yield Iterate(perturbation, logits.detach(), values.detach())
        if step < steps:
            moved = perturbation + step_size * ball.farthest(gradient * mask.unsqueeze(-1))
            perturbation = ball.project(moved)


def strongest(iterates: Iterator[Iterate]) -> Tensor:
    """Return the perturbation (B, T, D) with which the objective of each document was highest."""
    best = next(iterates)
    for each in iterates:
        higher = each.objective > best.objective
        best = Iterate(*(_where(higher, *pair) for pair in zip(each, best, strict=True)))
    return best.perturbation


def _where(documents: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Return `first` (B, ...) where `documents` (B,) is true, else `second`."""
    return torch.where(documents.view(-1, *[1] * (first.dim() - 1)), first, second)
