"""An ensemble: classifiers of different architectures, and the mean of the probabilities that they give a label.

What one of them misses another may see: a pretrained body knows what a document means, a bag of words which rare words
it has. Each learns by a loss of its own, so that none rests on the others.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from xmlcore.common.errors import UserError
from xmlcore.config.architectures import EnsembleNetwork
from xmlcore.data.batches import TrueLabels
from xmlcore.data.dataset import Split
from xmlcore.models.base import Distinct, shallow_copy
from xmlcore.models.side_by_side import SideBySide, described_encoder, logit_of_mean


class Ensemble(SideBySide):
    """Each of the `classifiers` has all labels."""

    def __init__(self, vectors: Tensor, labels: int, network: EnsembleNetwork) -> None:
        """`vectors` (V, D) are the initial embeddings of the members, side by side; row `PAD` is held at zero.

        Raises `UserError` where the widths of the members are not D together.
        """
        widths = [member.width for member in network.members]
        if sum(widths) != vectors.shape[1]:
            raise UserError(
                f"network.members: widths of {sum(widths)} together for vectors of width {vectors.shape[1]}; give each "
                "member the width of its part of `embedding`"
            )
        super().__init__(vectors, labels, [member.encoder for member in network.members], widths, labels)

    def described(self, network: EnsembleNetwork) -> EnsembleNetwork:
        members = [
            member.model_copy(update={"encoder": described_encoder(member.encoder, classifier)})
            for member, classifier in zip(network.members, self.classifiers, strict=True)
        ]
        return network.model_copy(update={"members": members})

    def prepare(self, split: Split, seed: int, distinct: Distinct | None = None) -> None:
        for number, classifier in enumerate(self.classifiers):
            classifier.prepare(split, seed, self.distinct_part(distinct, number))

    def initialise_output(self, prior: Tensor) -> None:
        for classifier in self.classifiers:
            classifier.initialise_output(prior)

    def narrow(self, labels: Tensor) -> "Ensemble":
        narrowed = shallow_copy(self)
        narrowed.labels = len(labels)
        narrowed.classifiers = nn.ModuleList(classifier.narrow(labels) for classifier in self.classifiers)
        return narrowed

    def merge(self, logits: Sequence[Tensor]) -> Tensor:
        return logit_of_mean(logits)

    def loss(self, rows: Tensor, index: Tensor, labels: TrueLabels, probe: Tensor | None = None) -> Tensor:
        """The sum of those of the members."""
        losses = [each.loss(part, index, labels, of_probe) for each, part, of_probe in self.parts_with(rows, probe)]
        return torch.stack(losses).sum()
