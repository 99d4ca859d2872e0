"""Projected gradient descent on embeddings (Madry et al. 2018): FGSM's step, made small and taken again and again."""

from collections.abc import Iterator

import torch
from torch import Tensor

from xmlcore.attacks.embeddings.balls import Ball
from xmlcore.attacks.embeddings.documents import Documents, Iterate
from xmlcore.attacks.embeddings.objectives import Objective


def pgd(
    documents: Documents,
    *,
    ball: Ball,
    objective: Objective,
    steps: int,
    step_size: float,
    start: Tensor | None = None,
) -> Iterator[Iterate]:
    """Yield the start and what each of `steps` leads to, `steps` + 1 iterates, each costing one pass forward and back.

    A step goes `step_size` of the way to the border, up the gradient of `objective`. `start` (B, T, D) is where it
    begins, or none: the documents as they are. A run of fewer steps yields the first iterates of one of more.
    """
    perturbation = torch.zeros_like(documents.embeddings) if start is None else start
    for _ in range(steps):
        found, gradient = documents.moved_and_gradient(perturbation, objective)
        yield found
        perturbation = ball.project(perturbation + step_size * ball.farthest(gradient))
    yield documents.moved(perturbation, objective)


def strongest(iterates: Iterator[Iterate]) -> Tensor:
    """Return the perturbation (B, T, D) with which the objective of each document was highest."""
    best = next(iterates)
    for each in iterates:
        best = each.where(each.objective > best.objective, best)
    return best.perturbation
