"""Bounds of logits that are merged from those of classifiers side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add

import torch
from torch import Tensor

from xmlcore.models.bounds import Box, LogitBounds

Merge = Callable[[Sequence[Tensor]], Tensor]


@dataclass(frozen=True)
class MergedBounds(LogitBounds):
    """Logits that `merge` makes of those of `parts`: monotone in each of them, and it adds to no error of theirs."""

    parts: Sequence[LogitBounds]
    merge: Merge
    of_labels: Callable[[Sequence[Tensor]], list[Tensor]]  # from what a part has for its outputs, (B, L) for the labels

    def logits(self) -> Box:
        return self._logits

    @cached_property
    def _logits(self) -> Box:
        return Box(*map(self.merge, zip(*(part.logits() for part in self.parts), strict=True)))

    def magnitude(self) -> Tensor:
        """Return (B, L) the largest of the parts, as a mean moves no further than what it is of, and 1 for merging."""
        return torch.stack(self.of_labels([part.magnitude() for part in self.parts])).amax(0) + 1

    def margins(self, documents: Tensor, labels: Tensor, others: Tensor) -> Tensor:
        """Return the margins (M, O), the two logits each bounded for itself."""
        _, low, high = self._logits
        return low[documents, labels][:, None] - high[documents[:, None], others]


@dataclass(frozen=True)
class AddedBounds(LogitBounds):
    """Logits that are the sums of those of `parts`."""

    parts: Sequence[LogitBounds]

    def logits(self) -> Box:
        return self._added([part.logits() for part in self.parts])

    def unchanged(self) -> Tensor:
        return _sum([part.unchanged() for part in self.parts])

    def logits_of(self, labels: Tensor) -> Box:
        return self._added([part.logits_of(labels) for part in self.parts])

    def _added(self, boxes: Sequence[Box]) -> Box:
        return Box(*map(_sum, zip(*boxes, strict=True)))

    def magnitude(self) -> Tensor:
        return _sum([part.magnitude() for part in self.parts])

    def margins(self, documents: Tensor, labels: Tensor, others: Tensor) -> Tensor:
        return _sum([part.margins(documents, labels, others) for part in self.parts])

    def close_margins(self, documents: Tensor, labels: Tensor, others: Tensor) -> Tensor:
        return _sum([part.close_margins(documents, labels, others) for part in self.parts])


def _sum(parts: Sequence[Tensor]) -> Tensor:
    return reduce(add, parts)
