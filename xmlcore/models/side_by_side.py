"""Classifiers side by side: the embedding of a token is all of theirs in a row, and each reads its own slice.

They are independent from the first layer on. A subclass says what each predicts, and merges their answers.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from functools import partial, reduce

import numpy as np
import torch
from torch import Tensor, nn

from xmlcore.config.architectures import Encoder
from xmlcore.models.base import Classifier, Distinct
from xmlcore.models.bounds import LogitBounds
from xmlcore.models.merged_bounds import MergedBounds
from xmlcore.models.modules import Modules
from xmlcore.models.registry import build_model
from xmlcore.models.table import TableClassifier
from xmlcore.models.token_rows import SubstitutedRows, TokenRows


class SideBySide(TableClassifier):
    """`classifiers`, each of which reads as many of the D columns as its entry of `widths`."""

    def __init__(
        self, vectors: Tensor, labels: int, encoders: Sequence[Encoder], widths: Sequence[int], outputs: int
    ) -> None:
        """Build the `encoders`, each with `outputs` outputs; `vectors` (V, D) are their initial embeddings in a row."""
        super().__init__(vectors, labels)
        self.widths = tuple(widths)
        self.classifiers = Modules[Classifier](
            build_model(encoder.architecture, np.zeros((1, width), np.float32), outputs, encoder.network)
            for encoder, width in zip(encoders, widths, strict=True)
        )
        for classifier in self.classifiers:
            classifier.embedding_table.requires_grad_(False)

    @abstractmethod
    def merge(self, logits: Sequence[Tensor]) -> Tensor:
        """Return the logits (B, L) of the labels from the `logits` (B, outputs) of each classifier.

        None of them is lower where one of the others is higher, nor moves further than the one that moves furthest.
        """

    def of_labels(self, found: Sequence[Tensor]) -> list[Tensor]:
        """Return what each classifier has `found` for its outputs (B, outputs), for the labels (B, L)."""
        return [*found]

    @property
    def part_widths(self) -> Sequence[int]:
        return [width for classifier in self.classifiers for width in classifier.part_widths]

    @property
    def output_parameters(self) -> Sequence[nn.Parameter]:
        return [parameter for classifier in self.classifiers for parameter in classifier.output_parameters]

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        return self.merge([each.score(part, mask) for each, part in self.parts(embeddings)])

    def score_rows(self, batch: TokenRows, probe: Tensor | None = None) -> Tensor:
        return self.merge(self.logits_of_each(batch, probe))

    def score_steps(self, batch: TokenRows, direction: Tensor, steps: Sequence[float]) -> list[Tensor]:
        directions = direction.split(self.widths, -1)
        found = [
            each.score_steps(batch._replace(rows=rows), along, steps)
            for (each, rows), along in zip(self.parts(batch.rows), directions, strict=True)
        ]
        return [self.merge(logits) for logits in zip(*found, strict=True)]

    def precompute(self, rows: Tensor) -> Tensor:
        return torch.cat([each.precompute(part) for each, part in self.parts(rows)], 1)

    def score_substitutions(self, document: TokenRows, positions: Tensor, substitutes: Tensor) -> Tensor:
        none = document.rows.new_empty(0, sum(self.widths))
        widths = [each.precompute(part).shape[1] for each, part in self.parts(none)]
        found = [
            each.score_substitutions(document._replace(rows=rows), positions, substitutes)
            for each, rows in zip(self.classifiers, document.rows.split(widths, 1), strict=True)
        ]
        return self.merge(found)

    def bounds(self, batch: SubstitutedRows, radius: float = 1.0, share: float = 1.0) -> LogitBounds | None:
        parts = [each.bounds(part, radius, share) for each, part in self.substituted_parts(batch)]
        known = [part for part in parts if part is not None]
        return self.merge_bounds(known) if len(known) == len(parts) else None

    def merge_bounds(self, parts: Sequence[LogitBounds]) -> LogitBounds:
        """Return the bounds of what `merge` makes of the logits that `parts` bound."""
        return MergedBounds(parts, self.merge, self.of_labels)

    def logits_of_each(self, batch: TokenRows, probe: Tensor | None = None) -> list[Tensor]:
        """Return the logits (B, outputs) of each classifier; for `probe` see `score_rows`."""
        return [each.score_rows(part, of_probe) for each, part, of_probe in self.parts_with(batch, probe)]

    def parts(self, embeddings: Tensor) -> list[tuple[Classifier, Tensor]]:
        """Return each classifier with its slice of `embeddings` (..., D)."""
        return list(zip(self.classifiers, embeddings.split(self.widths, -1), strict=True))

    def parts_with(self, batch: TokenRows, others: Tensor | None) -> list[tuple[Classifier, TokenRows, Tensor | None]]:
        """Return each classifier with its slices of `batch` and, where there are any, of `others` (B, T, D)."""
        slices: Sequence[Tensor | None] = [None] * len(self.widths) if others is None else others.split(self.widths, -1)
        parts = zip(self.parts(batch.rows), slices, strict=True)
        return [(each, batch._replace(rows=rows), other) for (each, rows), other in parts]

    def substituted_parts(self, batch: SubstitutedRows) -> list[tuple[Classifier, SubstitutedRows]]:
        """Return each classifier with its slice of `batch`."""
        return [(each, batch._replace(rows=rows)) for each, rows in self.parts(batch.rows)]

    def distinct_part(self, distinct: Distinct | None, number: int) -> Distinct:
        """Return `distinct`, or this model's own, cut to the columns that the classifier `number` reads."""
        return partial(self._distinct_part, distinct or self.distinct, number)

    def _distinct_part(self, distinct: Distinct, number: int, tokens: Tensor) -> TokenRows:
        batch = distinct(tokens)
        return batch._replace(rows=self.parts(batch.rows)[number][1])


def encoder_found(encoder: Encoder, classifier: Classifier) -> Encoder:
    """Return `encoder` with what its `classifier` adds to its network (`Classifier.network_found`)."""
    network = encoder.network.model_copy(update=classifier.network_found())
    return encoder.model_copy(update={encoder.architecture: network})


def sum_of_losses(each: Iterable[tuple[Tensor, Tensor] | None]) -> tuple[Tensor, Tensor] | None:
    """Return the sums of the losses of `Classifier.losses_within`; None: one of the classifiers has none."""
    losses = [*each]
    known = [pair for pair in losses if pair is not None]
    if len(known) < len(losses):
        return None
    own, worst = zip(*known, strict=True)
    return reduce(torch.add, own), reduce(torch.add, worst)


def logit_of_mean(logits: Sequence[Tensor]) -> Tensor:
    """Return the logit of the mean of the probabilities whose logits are given, element by element."""
    smallest = torch.finfo(logits[0].dtype).tiny
    present = reduce(torch.add, (each.sigmoid() for each in logits))
    absent = reduce(torch.add, ((-each).sigmoid() for each in logits))
    return present.clamp(min=smallest).log() - absent.clamp(min=smallest).log()
