"""The loss of adversarial training (Sapkal and Savalia 2025, equation 14), and its gradient in two backward passes.

(1 - w) L(e, y) + w L(e + delta, y), where FGSM's step delta is a constant. The attack costs no pass of its own: its
direction, the gradient of the clean loss with respect to the embeddings, comes with the clean loss's own pass backward.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from xmlcore.attacks.embeddings.fgsm import perturb, sign_at_tokens
from xmlcore.config.params import Regime
from xmlcore.data.batches import TrueLabels
from xmlcore.models.base import Classifier, one_row_each
from xmlcore.training.attribution_stability import attribution_change


def hybrid_backward(
    model: Classifier, tokens: Tensor, labels: TrueLabels, reduction: str, regime: Regime, scale: float = 1.0
) -> float:
    """Add the gradients of the loss of a batch `tokens` (B, T) to the parameters, and return the loss.

    Both parts are averaged over documents, with the `reduction` "element" over labels too, and multiplied by `scale`.
    With thousands of labels the mean over elements makes gradients so small that Adam's epsilon damps them. Attacked is
    a random `adversarial_share` of the documents, whatever their order (batches come sorted by length).
    """
    labels_of_mean = 1 if reduction == "document" else model.labels
    if not regime.adversarial_weight:
        loss = scale * (model.loss(*model.distinct(tokens), labels) / (len(tokens) * labels_of_mean))
        loss.backward()
        return loss.item()
    order = torch.randperm(len(tokens))
    tokens, labels = tokens[order], labels.of(order)
    count = math.ceil(regime.adversarial_share * len(tokens))
    rows, index = model.distinct(tokens)
    leaf = rows.detach().requires_grad_()  # where the gradients of both passes meet, to go through the table once
    clean_scale = scale * (1 - regime.adversarial_weight), len(tokens) * labels_of_mean
    clean, gradient = _clean_pass(model, leaf, index, labels, count, *clean_scale)
    sign = sign_at_tokens(gradient, index[:count])
    adversarial = _adversarial_pass(
        model, leaf, index[:count], sign, labels.of(slice(count)), regime, scale, count * labels_of_mean
    )
    rows.backward(leaf.grad)
    return (clean + adversarial).item()


def _clean_pass(
    model: Classifier, leaf: Tensor, index: Tensor, labels: TrueLabels, count: int, weight: float, mean_over: int
) -> tuple[Tensor, Tensor]:
    """Run the clean loss backward; return it, and its gradient (count, T, D) at each position of the first documents.

    Positions that share a row of `leaf` (R, D) are told apart by a probe of zeros that is added to them.
    """
    probe = leaf.new_zeros(*index[:count].shape, leaf.shape[1], requires_grad=True)
    loss = weight * (model.loss(leaf, index, labels, probe) / mean_over)
    loss.backward()
    assert probe.grad is not None
    return loss, probe.grad


def _adversarial_pass(
    model: Classifier,
    leaf: Tensor,
    index: Tensor,
    sign: Tensor,
    labels: TrueLabels,
    regime: Regime,
    scale: float,
    mean_over: int,
) -> Tensor:
    """Run the loss of the documents as FGSM moves them along `sign` (B, T, D) backward, and return it.

    With an `attribution_weight` the penalty of `attribution_stability` on the same step is a part of it.
    """
    moved, mask = perturb(leaf, index, sign, regime.epsilon), index != 0
    loss = scale * regime.adversarial_weight * (model.loss(*one_row_each(moved, mask), labels) / mean_over)
    if regime.attribution_weight:
        embeddings = functional.embedding(index, leaf)
        penalty = attribution_change(model, embeddings, mask, (moved - embeddings).detach(), labels)
        loss = loss + scale * regime.attribution_weight * (penalty / mean_over)
    loss.backward()
    return loss
