"""The loss of adversarial training (Sapkal and Savalia 2025, equation 14), and its gradient in two backward passes.

(1 - w) L(e, y) + w L(e + delta, y), where the attack's step delta is a constant. FGSM costs no pass of its own: its
direction, the gradient of the clean loss with respect to the embeddings, comes with the clean loss's own pass backward.
More steps, or steps that raise the margin of the best wrong label over the best true one, are those of PGD (Madry et
al. 2018): the mean over thousands of labels hardly moves where the few that count are overtaken.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from xmlcore.attacks.embeddings.balls import LInfinity
from xmlcore.attacks.embeddings.documents import Documents
from xmlcore.attacks.embeddings.fgsm import adaptive_epsilon, fgsm_step, sign_at_tokens
from xmlcore.attacks.embeddings.objectives import Objective, cross_entropy, margin
from xmlcore.attacks.embeddings.pgd import pgd, strongest
from xmlcore.common.bfloat16 import autocast
from xmlcore.config.params import AttackObjective, LossReduction, Regime
from xmlcore.data.batches import TrueLabels
from xmlcore.models.base import Classifier
from xmlcore.models.token_rows import TokenRows
from xmlcore.training.attribution_stability import attribution_change

OBJECTIVES: dict[AttackObjective, Objective] = {"loss": cross_entropy, "margin": margin}
REACH = 2.0  # radii that the steps of PGD go together: enough to turn back on the way


@dataclass(frozen=True)
class Reduction:
    """How losses that are summed over the documents of a batch become the loss of training."""

    over: LossReduction  # document: the mean over documents of sums over labels | element: the mean over both
    share: float = 1.0  # of a micro-batch in the documents of its step

    def of(self, loss: Tensor, documents: int, model: Classifier) -> Tensor:
        """Return the part of the mean that `loss`, a sum over `documents` documents, contributes.

        With thousands of labels the mean over elements makes gradients so small that Adam's epsilon damps them.
        """
        return self.share * (loss / (documents * (1 if self.over == "document" else model.labels)))


def hybrid_backward(
    model: Classifier, tokens: Tensor, labels: TrueLabels, regime: Regime, reduction: Reduction
) -> Tensor:
    """Add the gradients of the loss of a batch `tokens` (B, T) to the parameters, and return the loss, a scalar.

    The batch is on the CPU, wherever the model is. A random `adversarial_share` of the documents is attacked, whatever
    their order (batches come sorted by length).
    """
    if not regime.adversarial_weight:
        loss = reduction.of(_loss(model, model.distinct(tokens), labels.to(model.device)), len(tokens), model)
        loss.backward()
        return loss.detach()
    order = torch.randperm(len(tokens))
    tokens, labels = tokens[order], labels.of(order).to(model.device)
    count = math.ceil(regime.adversarial_share * len(tokens))
    rows, index = model.distinct(tokens)
    batch = TokenRows(rows.detach().requires_grad_(), index)  # both passes gather their gradients in its rows
    clean, gradient = _clean_pass(model, batch, labels, count, regime, reduction)
    attacked = batch.first(count)
    some = labels.of(slice(count))
    if regime.takes_free_step:
        step = fgsm_step(attacked, sign_at_tokens(gradient, attacked.mask), regime.epsilon)
    else:
        step = _pgd_step(model, attacked, some, regime)
    adversarial = _adversarial_pass(model, attacked, some, step, regime, reduction)
    rows.backward(batch.rows.grad)  # then these go through the table once
    return (clean + adversarial).detach()


def _loss(model: Classifier, batch: TokenRows, labels: TrueLabels, probe: Tensor | None = None) -> Tensor:
    with autocast(model.device):
        return model.loss(batch, labels, probe)


def _clean_pass(
    model: Classifier, batch: TokenRows, labels: TrueLabels, count: int, regime: Regime, reduction: Reduction
) -> tuple[Tensor, Tensor]:
    """Run the clean loss backward; return it, and its gradient (count, T, D) at each position of the first documents.

    Positions that share a row are told apart by a probe of zeros that is added to them.
    """
    probe = batch.rows.new_zeros(*batch.row_of[:count].shape, batch.rows.shape[1], requires_grad=True)
    loss = (1 - regime.adversarial_weight) * reduction.of(_loss(model, batch, labels, probe), len(batch.row_of), model)
    loss.backward()
    assert probe.grad is not None
    return loss, probe.grad


def _pgd_step(model: Classifier, batch: TokenRows, labels: TrueLabels, regime: Regime) -> Tensor:
    """Return the strongest of the points (B, T, D) that PGD visits."""
    with torch.no_grad():
        embeddings = batch.embeddings()
    documents = Documents(model, embeddings, batch.mask, labels.targets(labels.ids, model.labels))
    ball, steps = LInfinity(float(adaptive_epsilon(batch, regime.epsilon))), regime.attack_steps
    objective = OBJECTIVES[regime.attack_objective]
    return strongest(pgd(documents, ball=ball, objective=objective, steps=steps, step_size=REACH / steps))


def _adversarial_pass(
    model: Classifier, batch: TokenRows, labels: TrueLabels, step: Tensor, regime: Regime, reduction: Reduction
) -> Tensor:
    """Run the loss of the documents, moved by `step` (B, T, D), backward, and return it.

    With an `attribution_weight` the penalty of `attribution_stability` on the same step is a part of it.
    """
    moved, documents = batch.embeddings() + step, len(batch.row_of)
    loss = _loss(model, TokenRows.one_each(moved, batch.mask), labels)
    loss = regime.adversarial_weight * reduction.of(loss, documents, model)
    if regime.attribution_weight:
        embeddings = batch.embeddings()
        change = attribution_change(model, embeddings, batch.mask, (moved - embeddings).detach(), labels)
        loss = loss + regime.attribution_weight * reduction.of(change, documents, model)
    loss.backward()
    return loss
