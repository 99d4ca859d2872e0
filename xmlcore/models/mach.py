"""MACH, merged-average classifiers via hashing (Medini et al. 2019): R classifiers, each over B buckets of labels.

Each hash function throws the labels into buckets, and a classifier of its own learns which buckets have a true label.
The score of a label is the mean of the probabilities of its R buckets, as published, or their geometric mean: of two
labels in one bucket, that puts the true one further ahead. Nothing has L columns in training.

The classifiers are independent from the first layer on: the embedding of a token is R embeddings side by side, and
each classifier reads its own. Any architecture can be the classifier.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from xmlcore.common.errors import UserError
from xmlcore.config.architectures import MACHNetwork
from xmlcore.data.batches import TrueLabels
from xmlcore.data.dataset import UNSEEN_LABEL, Split
from xmlcore.models.base import Distinct
from xmlcore.models.losses import binary_cross_entropy
from xmlcore.models.side_by_side import SideBySide, encoder_found, logit_of_mean, sum_of_losses
from xmlcore.models.token_rows import SubstitutedRows, TokenRows

PRIME = 2**31 - 1  # above every label id


class MACH(SideBySide):
    """`classifiers` over B buckets, hash functions h_r(l) = ((a_r l + b_r) mod p) mod B (Carter and Wegman 1979)."""

    coefficients: Tensor  # (2, R), a and b

    def __init__(self, vectors: Tensor, labels: int, network: MACHNetwork) -> None:
        """Begin from `vectors` (V, R D), the embeddings of the classifiers side by side; row `PAD` is held at zero.

        Raises `UserError` where R does not divide their width.
        """
        repetitions, width = network.repetitions, vectors.shape[1]
        if width % repetitions:
            raise UserError(f"embedding.dimension: {width} cannot be shared by network.repetitions, {repetitions}")
        widths = [width // repetitions] * repetitions
        super().__init__(vectors, labels, [network.encoder] * repetitions, widths, network.buckets)
        self._encoder = network.encoder
        self.buckets = network.buckets
        self.mean = MERGES[network.merge]
        lowest = torch.tensor([[1], [0]])
        self.register_buffer(
            "coefficients", (torch.rand(2, repetitions, dtype=torch.float64) * (PRIME - lowest)).long() + lowest
        )

    def network_found(self) -> dict[str, Any]:
        return {"encoder": encoder_found(self._encoder, self.classifiers[0])}

    def hashed(self, labels: Tensor) -> list[Tensor]:
        """Return for each hash function the buckets of the label ids `labels`."""
        return [(a * labels + b) % PRIME % self.buckets for a, b in self.coefficients.t()]

    def prepare(self, split: Split, seed: int, distinct: Distinct | None = None) -> None:
        known = split.labels >= 0
        for number, (classifier, buckets) in enumerate(
            zip(self.classifiers, self.hashed(torch.from_numpy(split.labels.astype(np.int64))), strict=True)
        ):
            hashed = replace(split, labels=np.where(known, buckets.numpy(), UNSEEN_LABEL).astype(np.int32))
            classifier.prepare(hashed, seed, self.distinct_part(distinct, number))

    def initialise_output(self, prior: Tensor) -> None:
        """Let a bucket begin at the probability that one of its labels is there, were they independent."""
        absent = nn.functional.logsigmoid(-prior)
        for classifier, buckets in zip(self.classifiers, self.hashed(torch.arange(self.labels)), strict=True):
            none = absent.new_zeros(self.buckets).index_add(0, buckets, absent).clamp(max=-1e-6)
            classifier.initialise_output(torch.log(-torch.expm1(none)) - none)

    def merge(self, logits: Sequence[Tensor]) -> Tensor:
        """Return the logit of each label: of the mean, of the kind `network.merge`, of its buckets' probabilities."""
        return self.mean(self.of_labels(logits))

    def of_labels(self, found: Sequence[Tensor]) -> list[Tensor]:
        labels = torch.arange(self.labels, device=found[0].device) if self.asked is None else self.asked
        return [each[:, of] for each, of in zip(found, self.hashed(labels), strict=True)]

    def loss(self, batch: TokenRows, labels: TrueLabels, probe: Tensor | None = None) -> Tensor:
        """Return the loss over all buckets of all classifiers; a bucket weighs as much as its heaviest true label."""
        of_each = zip(self.logits_of_each(batch, probe), self.hashed(labels.ids), strict=True)
        losses = (binary_cross_entropy(logits, labels.targets(at, self.buckets)) for logits, at in of_each)
        return reduce(torch.add, losses)

    def losses_within(self, batch: SubstitutedRows, labels: TrueLabels, radius: float) -> tuple[Tensor, Tensor] | None:
        """Return the losses over all buckets of all classifiers."""
        known = labels.ids >= 0
        in_buckets = (labels._replace(ids=torch.where(known, at, -1)) for at in self.hashed(labels.ids))
        parts = zip(self.substituted_parts(batch), in_buckets, strict=True)
        return sum_of_losses(each.losses_within(part, at, radius) for (each, part), at in parts)


def logit_of_geometric_mean(logits: Sequence[Tensor]) -> Tensor:
    """Return the logit of the geometric mean of the probabilities whose logits are given, element by element."""
    smallest = torch.finfo(logits[0].dtype).tiny
    log = reduce(torch.add, map(nn.functional.logsigmoid, logits)) / len(logits)
    return log - (-torch.expm1(log)).clamp(min=smallest).log()


MERGES = {"mean": logit_of_mean, "geometric_mean": logit_of_geometric_mean}
