"""Training for certificates: the loss of the worst that substitutes of words can do (Huang et al. 2019).

(1 - w) L(own, y) + w L(worst, y), in which the worst logit of a true label is the least that it can be, and of any
other label the most (Gowal et al. 2018). Bounds of an untrained network are so wide that nothing is learned from them
at once: over the first epochs the weight w rises from 0, and substitutes move away from the word they stand for.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from xmlcore.common.errors import UserError
from xmlcore.config.params import Regime
from xmlcore.data.batches import TrueLabels
from xmlcore.data.dataset import Split
from xmlcore.models.base import Classifier
from xmlcore.ranking.certificates import certified_hits
from xmlcore.training.adversarial import Reduction

NO_BOUNDS = (
    "certified_weight: this architecture has no bounds; train XML-CNN, a bag of words, MACH or an ensemble of these, "
    "or take another regime"
)


@dataclass(frozen=True)
class WorstCase:
    """What the loss looks at besides the documents as they are."""

    substitutes: Tensor  # (V, K) int64, of each token, itself first
    weight: float  # of the worst logits in the loss
    radius: float  # of the way from a word to its substitutes

    @classmethod
    def after(cls, epochs: float, substitutes: Tensor, regime: Regime) -> "WorstCase":
        """Return the worst case of `regime` after so many `epochs` of training."""
        risen = regime.risen(epochs)
        return cls(substitutes, risen * regime.certified_weight, risen)


def certified_backward(
    model: Classifier, tokens: Tensor, labels: TrueLabels, worst_case: WorstCase, reduction: Reduction
) -> Tensor:
    """Add the gradients of the loss of a batch `tokens` (B, T) to the parameters, and return the loss, a scalar.

    The batch and its `labels` are on the CPU, wherever the model is. Raises `UserError` where the model has no bounds.
    """
    batch = model.distinct_with_substitutes(tokens, worst_case.substitutes)
    losses = model.losses_within(batch, labels.to(model.device), worst_case.radius)
    if losses is None:
        raise UserError(NO_BOUNDS)
    loss = reduction.of(torch.lerp(*losses, worst_case.weight), len(tokens), model)
    loss.backward()
    return loss.detach()


def certified_precision(model: Classifier, split: Split, substitutes: Tensor) -> float:
    """Return certified P@1 of `model`, which has bounds, on the documents of `split`."""
    certain = certified_hits(model, split, substitutes)
    if certain is None:
        raise UserError(NO_BOUNDS)
    return float(certain[:, 0].mean())
