"""An attack that substitutes at many positions at once, from given substitutes.

To first order a substitute changes the objective by the product of the gradient with its way from the word (as HotFlip,
Ebrahimi et al. 2018); where there is no gradient, it changes it by what it does alone. The best at every position
together, or at those where they do most, are one step; the next one looks from there.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from xmlcore.attacks.embeddings.objectives import Objective
from xmlcore.models.base import Classifier, TokenClassifier
from xmlcore.models.token_rows import SubstitutedRows, TokenRows


class Substituted(NamedTuple):
    """Documents after a step of the attack."""

    row_of: Tensor  # (B, T) of the rows of the batch
    logits: Tensor  # (B, L)


def substitute_every_word(
    model: Classifier,
    batch: SubstitutedRows,
    targets: Tensor,
    *,
    objective: Objective,
    steps: int,
    max_change: float = 1.0,
) -> Iterator[Substituted]:
    """Yield the documents as they are and after each of `steps`, up the gradient of `objective`.

    At most a share `max_change` of a document's words is substituted. `targets` (B, L) are 0 and 1. The parameters get
    no gradient.
    """
    batch = batch._replace(rows=batch.rows.detach())
    rows, row_of = batch.rows, batch.row_of
    for step in range(steps + 1):
        with torch.set_grad_enabled(step < steps):
            probe = rows.new_zeros(*row_of.shape, rows.shape[1], requires_grad=step < steps)
            logits = model.score_rows(TokenRows(rows, row_of), probe)
            yield Substituted(row_of, logits.detach())
            if step < steps:
                (gradient,) = torch.autograd.grad(objective(logits, targets).sum(), probe)
                row_of = best_substitutes(batch, gradient, max_change)


def substitute_every_word_by_scores(
    model: TokenClassifier, document: Tensor, substitutes: Tensor, targets: Tensor, *, objective: Objective, steps: int
) -> Iterator[Tensor]:
    """Yield the scores (1, L) of `document` (T,) as it is and after each of `steps`, asked of copies of it alone.

    `substitutes` (V, K) are those of each token, itself first, and `targets` (1, L) are 0 and 1.
    """
    choices = substitutes[document]
    positions = torch.arange(len(document)).repeat_interleave(choices.shape[1])
    for step in range(steps + 1):
        yield model(document[None])
        if step < steps:
            scores = model.score_substitutes(document, positions, choices.flatten())
            gains = objective(scores, targets.expand_as(scores)).view_as(choices)
            document = choices.gather(1, gains.argmax(1, keepdim=True))[:, 0]


def best_substitutes(batch: SubstitutedRows, gradient: Tensor, max_change: float = 1.0) -> Tensor:
    """Return the rows (B, T) with which the documents of `batch` go furthest along `gradient` (B, T, D).

    Where fewer than all words may change, floor(`max_change` x words) of a document, it is those that gain most.
    """
    rows, own = batch.rows.detach(), batch.row_of
    choices = batch.sets[own]  # (B, T, K)
    gains = gradient.new_zeros(choices.shape)
    for gain, choice in zip(gains.unbind(2), choices.unbind(2), strict=True):
        others = choice != own
        gain[others] = (gradient[others] * (rows[choice[others]] - rows[own[others]])).sum(1)
    gain, best = gains.max(2)
    row_of = choices.gather(2, best.unsqueeze(2)).squeeze(2)
    if max_change == 1:
        return row_of
    allowed = batch.substituted(max_change)[:, None]
    place = gain.argsort(dim=1, descending=True, stable=True).argsort(1)
    return torch.where(place < allowed, row_of, own)
