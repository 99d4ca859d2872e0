"""Bounds of logits whatever substitutes stand in a document: what every kind gives, and those of the last two layers.

A layer maps the box of what comes in to a box that holds all that can go out (Gowal et al. 2018). Through two layers at
once bounds are closer: a ReLU lies between two lines (Zhang et al. 2018, CROWN), and what moves many units alike is
counted once. Shapes: `B` batch, `T` tokens, `I` inputs, `H` units, `L` labels; `M` labels of documents, each held
against `O`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

PAIRS = 64  # labels that are held against one each, position by position, at once: what bounds the memory


class Box(NamedTuple):
    """What units have in the unchanged document, and the least and the most that they can have: (B, H) each."""

    own: Tensor
    low: Tensor
    high: Tensor

    def relu(self) -> "Box":
        return Box(*map(torch.relu, self))

    def scaled(self, factors: Tensor) -> "Box":
        """Return the box with every unit times its factor (B, H), which is not negative."""
        return Box(*(each * factors for each in self))

    def through(self, layer: nn.Linear) -> "Box":
        """Return the box of what `layer` gives: of the middle, and of the radius by absolute weight."""
        middle = layer((self.low + self.high) / 2)
        radius = functional.linear((self.high - self.low) / 2, layer.weight.abs())
        return Box(layer(self.own), middle - radius, middle + radius)


class Ways(NamedTuple):
    """How far the token at each position can move inputs, where the ways of those that are substituted add up."""

    down: Tensor  # (B, T, I), not negative
    up: Tensor
    substituted: Tensor  # (B,) the positions at most


class LogitBounds(ABC):
    """What is known of the logits of a batch whatever substitutes stand in it."""

    @abstractmethod
    def logits(self) -> Box:
        """Return the logits (B, L), each bounded for itself."""

    def unchanged(self) -> Tensor:
        """Return the logits (B, L) of the documents as they are."""
        return self.logits().own

    def logits_of(self, labels: Tensor) -> Box:
        """Return the logits (B, M) of `labels` (M,), each bounded for itself."""
        return Box(*(each[:, labels] for each in self.logits()))

    @abstractmethod
    def magnitude(self) -> Tensor:
        """Return (B, L) the most that the absolute terms of each logit can add up to, by which rounding is judged."""

    @abstractmethod
    def margins(self, documents: Tensor, labels: Tensor, others: Tensor) -> Tensor:
        """Return the least (M, O) that the logits of `labels` (M,) can be above those of `others` (M, O).

        Both are of the documents (M,).
        """

    def close_margins(self, documents: Tensor, labels: Tensor, others: Tensor) -> Tensor:
        """Return the closest bounds (M,) that are known of the same for pairs, (M,) each."""
        return self.margins(documents, labels, others[:, None])[:, 0]


@dataclass(frozen=True)
class TwoLayerBounds(LogitBounds):
    """Logits `output(relu(hidden(inputs)))` of inputs within a box."""

    inputs: Box  # (B, I)
    hidden: nn.Linear
    units: Box  # (B, H) what `hidden` gives, before the ReLU
    features: Box  # (B, H) what `output` is given
    output: nn.Linear
    ways: Ways | None = None  # closer than the box, where few positions are substituted

    def logits(self) -> Box:
        return self.features.through(self.output)

    def unchanged(self) -> Tensor:
        return self.output(self.features.own)

    def magnitude(self) -> Tensor:
        return functional.linear(self.features.high, self.output.weight.abs(), self.output.bias.abs())

    def margins(self, documents: Tensor, labels: Tensor, others: Tensor) -> Tensor:
        """Return the margins (M, O) by the difference of two labels' weights: what moves both of them moves neither."""
        weight, bias = self.output.weight, self.output.bias
        difference = weight[labels][:, None] - weight[others]
        low, high = (each[documents][:, None] for each in (self.features.low, self.features.high))
        least = torch.where(difference > 0, low, high)
        return (difference * least).sum(2) + bias[labels][:, None] - bias[others]

    def close_margins(self, documents: Tensor, labels: Tensor, others: Tensor) -> Tensor:
        """Return the margins (M,) through both layers at once, which know of no dropout.

        Where its unit counts for the label a ReLU is above the line through 0 of slope 0 or 1, and where it counts
        against it below the line from (low, 0) to (high, high).
        """
        weight, bias = self.output.weight, self.output.bias
        difference = weight[labels] - weight[others]
        low, high = self.units.low[documents].clamp(max=0), self.units.high[documents].clamp(min=0)
        chord = high / (high - low).clamp(min=torch.finfo(high.dtype).tiny)
        slope = difference * torch.where(difference > 0, (high > -low).to(chord.dtype), chord)
        constant = -(difference.clamp(max=0) * chord * low).sum(1) + slope @ self.hidden.bias
        through = slope @ self.hidden.weight  # (M, I)
        least = torch.where(through > 0, self.inputs.low[documents], self.inputs.high[documents])
        least = (through * least).sum(1)
        if self.ways:
            own = (through * self.inputs.own[documents]).sum(1)
            least = least.maximum(own - _most(self.ways, documents, through))
        return least + constant + bias[labels] - bias[others]


def _most(ways: Ways, documents: Tensor, weights: Tensor) -> Tensor:
    """Return (M,) the most by which so many substitutions can lower inputs of `documents` times `weights` (M, I)."""
    pairs = zip(documents.split(PAIRS), weights.split(PAIRS), strict=True)
    positions = torch.cat(
        [
            torch.einsum("mti,mi->mt", ways.down[of], each.clamp(min=0))
            - torch.einsum("mti,mi->mt", ways.up[of], each.clamp(max=0))
            for of, each in pairs
        ]
    )
    return sum_of_largest(positions, ways.substituted[documents])


def sum_of_largest(values: Tensor, count: Tensor) -> Tensor:
    """Return the sums (M, ...) of the `count` (M,) largest of `values` (M, T, ...) along T."""
    counted = torch.arange(values.shape[1], device=values.device) < count[:, None]
    return torch.einsum("mt...,mt->m...", values.sort(1, descending=True).values, counted.to(values.dtype))
