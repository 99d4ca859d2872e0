"""Interval bounds of a network's layers (Gowal et al. 2018), and of the logits that a last linear layer makes of them.

A layer maps the box of what comes in to a box that holds all that can go out. Shapes: `B` batch, `H` units, `L` labels.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


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


class LinearBounds(NamedTuple):
    """Logits `output(features)` of features within a box."""

    features: Box  # (B, H), not negative
    output: nn.Linear

    def logits(self) -> Box:
        """Return the logits (B, L), each bounded for itself."""
        return self.features.through(self.output)

    def magnitude(self) -> Tensor:
        """Return (B, L) the most that the absolute terms of each logit can add up to, by which rounding is judged."""
        return functional.linear(self.features.high, self.output.weight.abs(), self.output.bias.abs())

    def margins(self, documents: Tensor, labels: Tensor, others: Tensor) -> Tensor:
        """Return the least (M, O) that the logits of `labels` (M,) can be above those of `others` (M, O).

        Both are of the documents (M,). The difference of two labels' weights is taken before it is bounded: what moves
        both of them moves neither.
        """
        weight, bias = self.output.weight, self.output.bias
        difference = weight[labels][:, None] - weight[others]
        low, high = (each[documents][:, None] for each in (self.features.low, self.features.high))
        least = torch.where(difference > 0, low, high)
        return (difference * least).sum(2) + bias[labels][:, None] - bias[others]
