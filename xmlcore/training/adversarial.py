"""The loss of adversarial training (Sapkal and Savalia 2025, equation 14), and its gradient in two backward passes.

(1 - w) L(e, y) + w L(e + delta, y), where the attack's step delta is a constant. One step costs no pass of its own: its
direction, the gradient of the clean loss with respect to the embeddings, comes with the clean loss's own pass backward.
More steps, or steps that raise the margin of the best wrong label over the best true one, are those of PGD (Madry et
al. 2018): the mean over thousands of labels hardly moves where the few that count are overtaken.

With `adversarial_loss: consistency` attacked documents are to keep what the model says of them, not their labels.

An attack moves embeddings within a ball (FGSM and PGD), or words to those of their substitutes that the gradient likes
best (as the adversarial training of Wang et al. 2021, who project one word at a time).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from xmlcore.attacks.embeddings.balls import LInfinity
from xmlcore.attacks.embeddings.documents import Documents
from xmlcore.attacks.embeddings.fgsm import adaptive_epsilon, epsilon_or_of_size, fgsm_step, sign_at_tokens
from xmlcore.attacks.embeddings.objectives import Objective, cross_entropy, margin
from xmlcore.attacks.embeddings.pgd import pgd, strongest
from xmlcore.attacks.words.every_word import best_substitutes, substitute_every_word
from xmlcore.common.bfloat16 import autocast
from xmlcore.config.params import AttackObjective, LossReduction, Regime
from xmlcore.data.batches import TrueLabels
from xmlcore.models.base import Classifier
from xmlcore.models.token_rows import SubstitutedRows, TokenRows
from xmlcore.training.attribution_stability import attribution_change
from xmlcore.training.consistency import divergence

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
    model: Classifier,
    tokens: Tensor,
    labels: TrueLabels,
    regime: Regime,
    reduction: Reduction,
    substitutes: Tensor | None = None,
    risen: float = 1.0,
) -> Tensor:
    """Add the gradients of the loss of a batch `tokens` (B, T) to the parameters, and return the loss, a scalar.

    The batch is on the CPU, wherever the model is. A random `adversarial_share` of the documents is attacked, whatever
    their order (batches come sorted by length); an attack on words needs the `substitutes` (V, K) of each token. What
    moves embeddings has a share `risen` of the radius of the `regime`, less than all of it in a warm-up.
    """
    if not regime.adversarial_weight:
        loss = reduction.of(_loss(model, model.distinct(tokens), labels.to(model.device)), len(tokens), model)
        loss.backward()
        return loss.detach()
    order = torch.randperm(len(tokens))
    tokens, labels = tokens[order], labels.of(order).to(model.device)
    count = math.ceil(regime.adversarial_share * len(tokens))
    some = labels.of(slice(count))
    found: TokenRows | SubstitutedRows
    if regime.attack_space == "words" and substitutes is not None:
        found = model.distinct_with_substitutes(tokens, substitutes)
    else:
        found = model.distinct(tokens)
    shared = found._replace(rows=found.rows.detach().requires_grad_())  # both passes gather their gradients in its rows
    batch = shared.unchanged if isinstance(shared, SubstitutedRows) else shared
    clean, gradient = _clean_pass(model, batch, labels, count, regime, reduction)
    attacked = _attacked(model, shared.first(count), some, gradient, regime, risen)
    adversarial = _adversarial_pass(model, batch.first(count), attacked, some, regime, reduction)
    found.rows.backward(shared.rows.grad)  # then these go through the table once
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


def _attacked(
    model: Classifier,
    batch: TokenRows | SubstitutedRows,
    labels: TrueLabels,
    gradient: Tensor,
    regime: Regime,
    risen: float,
) -> TokenRows:
    """Return the documents as the attack leaves them; `gradient` (B, T, D) is that of the loss."""
    if isinstance(batch, SubstitutedRows):
        return _substituted(model, batch, labels, gradient, regime)
    return _moved(model, batch, labels, gradient, regime, risen)


def _moved(
    model: Classifier, batch: TokenRows, labels: TrueLabels, gradient: Tensor, regime: Regime, risen: float
) -> TokenRows:
    """Return the documents with embeddings moved by FGSM, along the `gradient` of the loss, or by PGD."""
    epsilon = risen * epsilon_or_of_size(regime.epsilon, regime.relative_size, batch.rows.shape[1])
    if regime.takes_free_step:
        step = fgsm_step(batch, sign_at_tokens(gradient, batch.mask), epsilon)
    else:
        step = _pgd_step(model, batch, labels, regime, epsilon)
    return TokenRows.one_each(batch.embeddings() + step, batch.mask)


def _pgd_step(model: Classifier, batch: TokenRows, labels: TrueLabels, regime: Regime, epsilon: float) -> Tensor:
    """Return the strongest of the points (B, T, D) that PGD visits within `epsilon`."""
    with torch.no_grad():
        embeddings = batch.embeddings()
    documents = Documents(model, embeddings, batch.mask, labels.targets(labels.ids, model.labels))
    ball, steps = LInfinity(float(adaptive_epsilon(batch, epsilon))), regime.attack_steps
    objective = OBJECTIVES[regime.attack_objective]
    return strongest(pgd(documents, ball=ball, objective=objective, steps=steps, step_size=REACH / steps))


def _substituted(
    model: Classifier, batch: SubstitutedRows, labels: TrueLabels, gradient: Tensor, regime: Regime
) -> TokenRows:
    """Return the documents with words substituted, along the `gradient` of the loss, or by as many steps as asked."""
    if regime.takes_free_step:
        row_of = best_substitutes(batch, gradient, regime.max_change)
    else:
        row_of = _strongest_substitutes(model, batch, labels, regime)
    return TokenRows(batch.rows, row_of).used()


def _strongest_substitutes(model: Classifier, batch: SubstitutedRows, labels: TrueLabels, regime: Regime) -> Tensor:
    """Return the rows (B, T) of each document where its objective was highest."""
    targets, objective = labels.targets(labels.ids, model.labels), OBJECTIVES[regime.attack_objective]
    best, highest = batch.row_of, targets.new_full((len(targets),), -torch.inf)
    for row_of, logits in substitute_every_word(
        model, batch, targets, objective=objective, steps=regime.attack_steps, max_change=regime.max_change
    ):
        reached = objective(logits, targets)
        best = torch.where((reached > highest)[:, None], row_of, best)
        highest = torch.maximum(reached, highest)
    return best


def _adversarial_pass(
    model: Classifier, batch: TokenRows, attacked: TokenRows, labels: TrueLabels, regime: Regime, reduction: Reduction
) -> Tensor:
    """Run the loss of the documents `batch` as they were `attacked` backward, and return it.

    It is that of their labels, or how far the attack moves what the model says of them. With an `attribution_weight`
    the penalty of `attribution_stability` on the same step is a part of it.
    """
    documents = len(batch.row_of)
    if regime.adversarial_loss == "consistency":
        with autocast(model.device):
            found = divergence(model, batch, attacked, labels)
    else:
        found = _loss(model, attacked, labels)
    loss = regime.adversarial_weight * reduction.of(found, documents, model)
    if regime.attribution_weight:
        embeddings = batch.embeddings()
        step = (attacked.embeddings() - embeddings).detach()
        change = attribution_change(model, embeddings, batch.mask, step, labels)
        loss = loss + regime.attribution_weight * reduction.of(change, documents, model)
    loss.backward()
    return loss
