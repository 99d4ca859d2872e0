"""An ensemble: classifiers of different architectures, and the mean of the probabilities that they give a label.

What one of them misses another may see: a pretrained body knows what a document means, a bag of words which rare words
it has. Each learns by a loss of its own, so that none rests on the others; one that is in closed form need not learn.
"""

from collections.abc import Sequence
from itertools import compress
from typing import Any

import torch
from torch import Tensor

from xmlcore.common.errors import UserError
from xmlcore.config.architectures import EnsembleNetwork
from xmlcore.data.batches import TrueLabels
from xmlcore.data.dataset import Split
from xmlcore.models.base import Distinct
from xmlcore.models.modules import Modules, shallow_copy
from xmlcore.models.side_by_side import SideBySide, encoder_found, logit_of_mean, sum_of_losses
from xmlcore.models.token_rows import SubstitutedRows, TokenRows


class Ensemble(SideBySide):
    """The `classifiers` are the members, each of which predicts all labels."""

    def __init__(self, vectors: Tensor, labels: int, network: EnsembleNetwork) -> None:
        """Begin from `vectors` (V, D), the initial embeddings of the members side by side; row `PAD` is held at zero.

        Raises `UserError` where the widths of the members do not add up to D.
        """
        widths = [member.width for member in network.members]
        if sum(widths) != vectors.shape[1]:
            raise UserError(
                f"network.members: widths of {sum(widths)} together for vectors of width {vectors.shape[1]}; give each "
                "member the width of its part of `embedding`"
            )
        super().__init__(vectors, labels, [member.encoder for member in network.members], widths, labels)
        self._members = network.members
        for classifier, member in zip(self.classifiers, self._members, strict=True):
            if not member.trained:
                classifier.requires_grad_(False)

    def network_found(self) -> dict[str, Any]:
        members = zip(self._members, self.classifiers, strict=True)
        return {
            "members": [each.model_copy(update={"encoder": encoder_found(each.encoder, of)}) for each, of in members]
        }

    def prepare(self, split: Split, seed: int, distinct: Distinct | None = None) -> None:
        for number, classifier in enumerate(self.classifiers):
            classifier.prepare(split, seed + number, self.distinct_part(distinct, number))

    def initialise_output(self, prior: Tensor) -> None:
        for classifier in self.classifiers:
            classifier.initialise_output(prior)

    def narrow(self, labels: Tensor) -> "Ensemble":
        narrowed = shallow_copy(self)
        narrowed.labels = len(labels)
        narrowed.classifiers = Modules(classifier.narrow(labels) for classifier in self.classifiers)
        return narrowed

    def merge(self, logits: Sequence[Tensor]) -> Tensor:
        return logit_of_mean(logits)

    def loss(self, batch: TokenRows, labels: TrueLabels, probe: Tensor | None = None) -> Tensor:
        """Return the sum of the losses of the members for a batch; in training, of those that are trained."""
        parts = compress(self.parts_with(batch, probe), self._with_loss)
        return torch.stack([each.loss(part, labels, of_probe) for each, part, of_probe in parts]).sum()

    @property
    def _with_loss(self) -> list[bool]:
        """Which members have a loss: an attack looks for that of all."""
        return [member.trained or not self.training for member in self._members]

    def losses_within(self, batch: SubstitutedRows, labels: TrueLabels, radius: float) -> tuple[Tensor, Tensor] | None:
        """Return the sums of the losses of the members; in training, of those that are trained."""
        parts = compress(self.substituted_parts(batch), self._with_loss)
        return sum_of_losses(each.losses_within(part, labels, radius) for each, part in parts)
