"""PGD that finds its own step size (Croce and Hein 2020, "Reliable evaluation of adversarial robustness", alg. 1)."""

from collections.abc import Iterator
from math import ceil

import torch
from torch import Tensor

from xmlcore.attacks.embeddings.balls import Ball
from xmlcore.attacks.embeddings.documents import Documents, Iterate, where
from xmlcore.attacks.embeddings.objectives import Objective

MOMENTUM = 0.75  # the share of a step that is new
RISING = 0.75  # share of the steps since the last checkpoint that must have raised the objective


def auto_pgd(
    documents: Documents, *, ball: Ball, objective: Objective, steps: int, start: Tensor | None = None
) -> Iterator[Iterate]:
    """Yield the start and what each of `steps` leads to, `steps` + 1 iterates, each costing one pass forward and back.

    A step begins as wide as the ball. At checkpoints that come ever more often, the documents whose objective rose in
    too few steps, or not beyond its best, go back to that best and take half the step from there. `start` (B, T, D) is
    where it begins, or none: the documents as they are.
    """
    now, gradient = documents.moved_and_gradient(
        torch.zeros_like(documents.embeddings) if start is None else start, objective
    )
    yield now
    before = now.perturbation
    best, best_gradient = now, gradient
    size = before.new_full((len(before), 1, 1), 2.0)
    rises, halved = before.new_zeros(len(before)), before.new_ones(len(before), dtype=torch.bool)
    best_then, since = best, 0
    for step in range(1, steps + 1):
        here = now.perturbation
        ahead = ball.project(here + size * ball.farthest(gradient))
        new = MOMENTUM if step > 1 else 1.0
        moved = ball.project(here + new * (ahead - here) + (1 - new) * (here - before))
        found, gradient = documents.moved_and_gradient(moved, objective)
        yield found
        rises += found.objective > now.objective
        higher = found.objective > best.objective
        best, best_gradient = found.where(higher, best), where(higher, gradient, best_gradient)
        before, now = here, found
        if step in checkpoints(steps):
            stuck = ~halved & (best.objective <= best_then.objective)
            halved = (rises < RISING * (step - since)) | stuck
            size = where(halved, size / 2, size)
            now, gradient = best.where(halved, now), where(halved, best_gradient, gradient)
            before = where(halved, now.perturbation, before)
            rises, best_then, since = torch.zeros_like(rises), best, step


def checkpoints(steps: int) -> set[int]:
    """Return after which of `steps` the step size is judged: 0.22 of them, then at gaps from 0.19 down to 0.06."""
    found, share, gap = set(), 0.22, 0.22
    while share <= 1:
        found.add(ceil(round(share * steps, 6)))
        gap = max(gap - 0.03, 0.06)
        share += gap
    return found
