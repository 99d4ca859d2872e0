"""MACH, merged-average classifiers via hashing (Medini et al. 2019): R classifiers, each over B buckets of labels.

Each hash function throws the labels into buckets, and a classifier of its own learns which buckets have a true label.
The score of a label is the mean of the probabilities of its R buckets, as published, or their geometric mean: of two
labels in one bucket, that puts the true one further ahead. Nothing has L columns in training.

The classifiers are independent from the first layer on: the embedding of a token is R embeddings side by side, and
each classifier reads its own. Any architecture can be the classifier.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from xmlcore.batching import TrueLabels
from xmlcore.encoding import UNSEEN_LABEL, Split
from xmlcore.errors import UserError
from xmlcore.losses import binary_cross_entropy
from xmlcore.models import Classifier, Distinct
from xmlcore.models.common import TableClassifier
from xmlcore.models.storage import build_model
from xmlcore.networks import MACHNetwork

PRIME = 2**31 - 1  # above every label


class MACH(TableClassifier):
    """`classifiers` over B buckets, hash functions h_r(l) = ((a_r l + b_r) mod p) mod B (Carter and Wegman 1979)."""

    coefficients: Tensor  # (2, R), a and b

    def __init__(self, vectors: Tensor, labels: int, network: MACHNetwork) -> None:
        """`vectors` (V, R D) are the initial embeddings of the classifiers, side by side; row `PAD` is held at zero.

        Raises `UserError` where their width cannot be shared evenly.
        """
        super().__init__(vectors, labels)
        self.buckets = network.buckets
        self.merge = MERGES[network.merge]
        repetitions, width = network.repetitions, vectors.shape[1]
        if width % repetitions:
            raise UserError(f"embedding.dimension: {width} cannot be shared by network.repetitions, {repetitions}")
        no_table = np.zeros((1, width // repetitions), np.float32)
        self.classifiers = nn.ModuleList(
            build_model(network.encoder.chosen[0], no_table, network.buckets, network.encoder.chosen[1])
            for _ in range(repetitions)
        )
        for classifier in self.classifiers:
            classifier.embedding_table.requires_grad_(False)
        lowest = torch.tensor([[1], [0]])
        self.register_buffer(
            "coefficients", (torch.rand(2, repetitions, dtype=torch.float64) * (PRIME - lowest)).long() + lowest
        )

    @property
    def output_parameters(self) -> Sequence[nn.Parameter]:
        return [parameter for classifier in self.classifiers for parameter in classifier.output_parameters]

    def hashed(self, labels: Tensor) -> list[Tensor]:
        """The bucket of each of `labels`, by each hash function."""
        return [(a * labels + b) % PRIME % self.buckets for a, b in self.coefficients.t().tolist()]

    def prepare(self, split: Split, seed: int, distinct: Distinct | None = None) -> None:
        distinct = distinct or self.distinct
        known = split.labels >= 0
        for number, (classifier, buckets) in enumerate(
            zip(self.classifiers, self.hashed(torch.from_numpy(split.labels.astype(np.int64))), strict=True)
        ):
            hashed = replace(split, labels=np.where(known, buckets.numpy(), UNSEEN_LABEL).astype(np.int32))
            classifier.prepare(hashed, seed, partial(self._distinct_part, distinct, number))

    def _distinct_part(self, distinct: Distinct, number: int, tokens: Tensor) -> tuple[Tensor, Tensor]:
        rows, index = distinct(tokens)
        return self._parts(rows)[number][1], index

    def initialise_output(self, prior: Tensor) -> None:
        """A bucket begins at the probability that one of its labels is there, were they independent."""
        absent = nn.functional.logsigmoid(-prior)
        for classifier, buckets in zip(self.classifiers, self.hashed(torch.arange(self.labels)), strict=True):
            none = absent.new_zeros(self.buckets).index_add(0, buckets, absent).clamp(max=-1e-6)
            classifier.initialise_output(torch.log(-torch.expm1(none)) - none)

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        return self._merge([each.score(part, mask) for each, part in self._parts(embeddings)])

    def score_rows(self, rows: Tensor, index: Tensor, probe: Tensor | None = None) -> Tensor:
        return self._merge(self._bucket_logits(rows, index, probe))

    def score_steps(self, rows: Tensor, index: Tensor, direction: Tensor, steps: Sequence[float]) -> list[Tensor]:
        found = [
            each.score_steps(of_rows, index, along, steps)
            for (each, of_rows), (_, along) in zip(self._parts(rows), self._parts(direction), strict=True)
        ]
        return [self._merge(logits) for logits in zip(*found, strict=True)]

    def score_substitutions(self, rows: Tensor, index: Tensor, positions: Tensor, substitutes: Tensor) -> Tensor:
        return self._merge(
            [each.score_substitutions(part, index, positions, substitutes) for each, part in self._parts(rows)]
        )

    def loss(self, rows: Tensor, index: Tensor, labels: TrueLabels, probe: Tensor | None = None) -> Tensor:
        """Over all buckets of all classifiers; a bucket weighs as much as the heaviest of its true labels."""
        return sum(
            binary_cross_entropy(logits, labels.targets(buckets, self.buckets))
            for logits, buckets in zip(self._bucket_logits(rows, index, probe), self.hashed(labels.ids), strict=True)
        )

    def _bucket_logits(self, rows: Tensor, index: Tensor, probe: Tensor | None) -> list[Tensor]:
        """R logits (B, buckets)."""
        probes = [None] * len(self.classifiers) if probe is None else [part for _, part in self._parts(probe)]
        return [
            each.score_rows(part, index, of_probe)
            for (each, part), of_probe in zip(self._parts(rows), probes, strict=True)
        ]

    def _parts(self, embeddings: Tensor) -> list[tuple[Classifier, Tensor]]:
        """Each classifier with its slice (..., D) of `embeddings` (..., R D)."""
        return list(zip(self.classifiers, embeddings.chunk(len(self.classifiers), -1), strict=True))

    def _merge(self, bucket_logits: Sequence[Tensor]) -> Tensor:
        """(B, L) logits of the labels, by `merge` of those of their buckets."""
        device = bucket_logits[0].device
        labels = torch.arange(self.labels, device=device) if self.asked is None else self.asked.to(device)
        return self.merge([logits[:, of] for logits, of in zip(bucket_logits, self.hashed(labels), strict=True)])


def logit_of_mean(logits: Sequence[Tensor]) -> Tensor:
    """The logit of the mean of the probabilities whose logits are given, element by element."""
    smallest = torch.finfo(logits[0].dtype).tiny
    present = sum(each.sigmoid() for each in logits)
    absent = sum((-each).sigmoid() for each in logits)
    return present.clamp(min=smallest).log() - absent.clamp(min=smallest).log()


def logit_of_geometric_mean(logits: Sequence[Tensor]) -> Tensor:
    """The logit of the geometric mean of the probabilities whose logits are given, element by element."""
    smallest = torch.finfo(logits[0].dtype).tiny
    log = sum(nn.functional.logsigmoid(each) for each in logits) / len(logits)
    return log - (-torch.expm1(log)).clamp(min=smallest).log()


MERGES = {"mean": logit_of_mean, "geometric_mean": logit_of_geometric_mean}
