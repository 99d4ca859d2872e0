"""An attack that substitutes at every position at once, from given substitutes, along the gradient.

To first order a substitute changes the objective by the product of the gradient with its way from the word (as HotFlip,
Ebrahimi et al. 2018). The best at every position together are one step; the next one looks from there.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from xmlcore.attacks.embeddings.objectives import Objective
from xmlcore.models.base import Classifier
from xmlcore.models.token_rows import SubstitutedRows, TokenRows


def substitute_every_word(
    model: Classifier, batch: SubstitutedRows, targets: Tensor, *, objective: Objective, steps: int
) -> Iterator[Tensor]:
    """Yield the logits (B, L) of the documents as they are and after each of `steps`, up the gradient of `objective`.

    `targets` (B, L) are 0 and 1. The parameters get no gradient.
    """
    rows, choices = batch.rows.detach(), batch.sets[batch.row_of]  # (B, T, K) the rows that each position may have
    row_of = batch.row_of
    for step in range(steps + 1):
        with torch.set_grad_enabled(step < steps):
            probe = rows.new_zeros(*row_of.shape, rows.shape[1], requires_grad=step < steps)
            logits = model.score_rows(TokenRows(rows, row_of), probe)
            yield logits.detach()
            if step < steps:
                (gradient,) = torch.autograd.grad(objective(logits, targets).sum(), probe)
                gains = torch.stack([(gradient * rows[choice]).sum(2) for choice in choices.unbind(2)], 2)
                row_of = choices.gather(2, gains.argmax(2, keepdim=True))[:, :, 0]
