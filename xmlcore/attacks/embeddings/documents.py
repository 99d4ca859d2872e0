"""Documents under attack on their embeddings, and the points that an attack visits."""

from typing import NamedTuple

import torch
from torch import Tensor

from xmlcore.attacks.embeddings.objectives import Objective
from xmlcore.models.base import Classifier


class Iterate(NamedTuple):
    """Where an attack is after a number of steps."""

    perturbation: Tensor  # (B, T, D)
    logits: Tensor  # (B, L) of the moved documents
    objective: Tensor  # (B,)

    def where(self, chosen: Tensor, other: "Iterate") -> "Iterate":
        """Return this for the documents that are `chosen` (B,), and `other` for the rest."""
        return Iterate(*(where(chosen, *pair) for pair in zip(self, other, strict=True)))


class Documents(NamedTuple):
    """What an attack moves, and whom it asks."""

    model: Classifier
    embeddings: Tensor  # (B, T, D)
    mask: Tensor  # (B, T), true at real tokens
    targets: Tensor  # (B, L) of 0 and 1

    def of(self, chosen: Tensor) -> "Documents":
        """Return those of the documents that are `chosen`, (B,) of booleans or indices."""
        return Documents(self.model, self.embeddings[chosen], self.mask[chosen], self.targets[chosen])

    def moved(self, perturbation: Tensor, objective: Objective) -> Iterate:
        """Return what moving the embeddings by `perturbation` (B, T, D) leads to: one forward pass."""
        with torch.no_grad():
            logits = self.model.score(self.embeddings + perturbation, self.mask)
            return Iterate(perturbation, logits, objective(logits, self.targets))

    def moved_and_gradient(self, perturbation: Tensor, objective: Objective) -> tuple[Iterate, Tensor]:
        """Return that and the gradient (B, T, D) of `objective` there, zero at the padding."""
        with torch.enable_grad():
            probe = perturbation.detach().requires_grad_()
            logits = self.model.score(self.embeddings + probe, self.mask)
            values = objective(logits, self.targets)
            (gradient,) = torch.autograd.grad(values.sum(), probe)
        return Iterate(perturbation, logits.detach(), values.detach()), gradient * self.mask.unsqueeze(-1)


def where(chosen: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Return `first` (B, ...) for the documents that are `chosen` (B,), else `second`."""
    return torch.where(chosen.view(-1, *[1] * (first.dim() - 1)), first, second)
