"""A balanced tree over labels: an order in which similar labels are neighbours, cut into equal ranges at each level."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn


class LabelTree(nn.Module):
    """Levels of `sizes` nodes, the last being the labels themselves in the tree's order.

    The label at place p of n belongs to node floor(p m / n) of a level of m nodes. Levels are numbered from 0.
    """

    position: Tensor  # (L,) the place of each label in the order

    def __init__(self, labels: int, groups: Sequence[int]) -> None:
        super().__init__()
        self.sizes = [*groups, labels]
        self.register_buffer("position", torch.arange(labels))

    def arrange(self, order: np.ndarray) -> None:
        """Put the labels in this `order` (L,), an array of label ids."""
        self.position.copy_(torch.from_numpy(np.argsort(order)))

    def nodes_of(self, labels: Tensor, level: int) -> Tensor:
        """Return the node of `level` that each label id of `labels` belongs to; an id of -1 gives an arbitrary node."""
        return self.position[labels] * self.sizes[level] // self.sizes[-1]

    def parents(self, level: int) -> Tensor:
        """Return the node (n,) of the level above that each of the n nodes of `level` belongs to."""
        above, size = self.sizes[level - 1], self.sizes[level]
        return torch.arange(size, device=self.position.device) * above // size

    def families(self, nodes: Tensor, level: int) -> tuple[Tensor, Tensor]:
        """Return the nodes (B, C M) of `level` below `nodes` (B, C) of the level above, and which of them are real.

        M is the size of the largest family; smaller ones repeat their last child, and the repeats are not real.
        """
        above, size = self.sizes[level - 1], self.sizes[level]
        first, end = -(-nodes * size // above), -(-(nodes + 1) * size // above)
        largest = -(-size // above)
        family = first.unsqueeze(-1) + torch.arange(largest, device=nodes.device)
        valid = family < end.unsqueeze(-1)
        return torch.minimum(family, end.unsqueeze(-1) - 1).flatten(1), valid.flatten(1)

    def node_log_probabilities(self, labels: Tensor) -> list[Tensor]:
        """Return for each level the log-probability (n,) that a document has one of a node's labels.

        `labels` (L,) are the log-probabilities of the labels, which are taken to be independent.
        """
        none = torch.log(-torch.expm1(labels))  # log-probability that a label is absent
        placed = torch.zeros_like(none).scatter(0, self.position, none)
        places = torch.arange(len(labels), device=labels.device)
        sums = [placed.new_zeros(size).index_add(0, places * size // len(labels), placed) for size in self.sizes]
        return [torch.log(-torch.expm1(each)) for each in sums]
