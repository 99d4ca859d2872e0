"""Bounds of logits W s / ‖s‖ + b, s being the sum of the embeddings of a document whose tokens have substitutes.

Positions are substituted independently, so what is linear in s is bounded exactly: each position takes away the most
that it can, or only those do that take most, as many as may be substituted. The norm is not, but with s₀ the sum of the
document as it is and u its direction

    u·s  <=  ‖s‖  <=  u·s + ‖s - s₀‖² / (2 ‖s₀‖),

on the left by Cauchy and Schwarz, and on the right because (‖s‖ - ‖s₀‖)² is not negative. Shapes as in `bounds`; `T`
tokens, `K` substitutes, `N` sets of them and `R` rows as in `token_rows`.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from xmlcore.models.bounds import Box, LogitBounds, sum_of_largest
from xmlcore.models.token_rows import SubstitutedRows

ALL = slice(None)
SHORTEST = 1e-12  # the norm that `functional.normalize` divides by at least


@dataclass(frozen=True)
class DirectionBounds(LogitBounds):
    """Logits of the sums of `batch`, each of whose substitutes is moved to `radius` of its way from the token."""

    batch: SubstitutedRows
    radius: float
    share: float  # of the positions of a document that are substituted, at most
    weight: Tensor  # (L, D)
    bias: Tensor  # (L,)

    def logits(self) -> Box:
        shortest, longest = self._norms
        own = functional.linear(self._total, self.weight)
        below, above = map(self._most_of_tokens, self._ways(self._projection[self.batch.sets], 1))
        least, most = own - below, own + above
        length = self.weight.norm(dim=1)
        low = torch.where(least < 0, least / shortest, least / longest).maximum(-length)
        high = torch.where(most < 0, most / longest, most / shortest).minimum(length)
        return Box(self.unchanged(), low + self.bias, high + self.bias)

    def unchanged(self) -> Tensor:
        return functional.linear(self._direction, self.weight, self.bias)

    def logits_of(self, labels: Tensor) -> Box:
        return replace(self, weight=self.weight[labels], bias=self.bias[labels]).logits()

    def magnitude(self) -> Tensor:
        rows, sets = self.batch.rows, self.batch.sets
        terms = functional.linear(rows.abs(), self.weight.abs()) + rows.norm(dim=1, keepdim=True) * self.bias.abs()
        return self._sums(terms[sets].amax(1)) / self._norms[0]

    def margins(self, documents: Tensor, labels: Tensor, others: Tensor) -> Tensor:
        """Return the margins (M, O): for weights d and biases β apart, (d·s + β ‖s‖) / ‖s‖ with the norm's bounds."""
        choices = self._choices[documents]  # (M, T, K)
        of_labels = self._projection[choices, labels[:, None, None]].unsqueeze(3)
        of_others = self._projection[choices.unsqueeze(3), others[:, None, None, :]]  # (M, T, K, O)
        bias = self.bias[labels].unsqueeze(1) - self.bias[others]
        linear = of_labels - of_others + self._along[documents].unsqueeze(3) * bias[:, None, None]
        least = linear[:, :, 0].sum(1) - self._most(self._ways(linear, 2)[0], documents)
        least = least + bias.clamp(max=0) * self._excess[documents]
        shortest, longest = (each[documents] for each in self._norms)
        return torch.where(least < 0, least / shortest, least / longest)

    @cached_property
    def _total(self) -> Tensor:
        """(B, D) the sum of the document as it is."""
        return self._sums(self.batch.rows)

    @cached_property
    def _norm(self) -> Tensor:
        return self._total.norm(dim=1, keepdim=True).clamp(min=SHORTEST)

    @cached_property
    def _direction(self) -> Tensor:
        return self._total / self._norm

    @cached_property
    def _choices(self) -> Tensor:
        """(B, T, K) the rows that each position may have."""
        return self.batch.sets[self.batch.row_of]

    @cached_property
    def _projection(self) -> Tensor:
        """(R, L) what each row gives to the sum times the weights."""
        return functional.linear(self.batch.rows, self.weight)

    @cached_property
    def _along(self) -> Tensor:
        """(B, T, K) what each choice gives to the sum along the direction of its document."""
        choices = self._choices
        return functional.linear(self._direction, self.batch.rows).gather(1, choices.flatten(1)).view_as(choices)

    @cached_property
    def _reach(self) -> Tensor:
        """(B, 1) the most that the sum can be away from that of the document as it is."""
        rows, sets = self.batch.rows, self.batch.sets
        of, column = (sets != sets[:, :1]).nonzero(as_tuple=True)
        ways = (rows[sets[of, column]] - rows[of]).norm(dim=1)
        longest = self.radius * rows.new_zeros(len(sets)).scatter_reduce(0, of, ways, "amax")
        return self._most_of_tokens(longest[:, None])

    @cached_property
    def _excess(self) -> Tensor:
        """(B, 1) the most by which the norm is above the sum along the direction."""
        return self._reach.square() / (2 * self._norm)

    @cached_property
    def _norms(self) -> tuple[Tensor, Tensor]:
        """The least and the most, (B, 1) each, that the norm of the sum can be."""
        below, above = (self._most(each)[:, None] for each in self._ways(self._along, 2))
        longest = self._norm + self._reach.minimum(above + self._excess)
        return (self._norm - below).clamp(min=SHORTEST), longest

    def _sums(self, rows: Tensor) -> Tensor:
        """Return the sums (B, C) of what `rows` (at least N, C) say of each token of the documents."""
        return functional.embedding_bag(self.batch.row_of, rows, mode="sum", padding_idx=0)

    def _ways(self, values: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        """Return how far down and up the choices along `dim` of `values` go from the first of them, the token's own."""
        own, (low, high) = values.select(dim, 0), values.aminmax(dim=dim)
        return self.radius * (own - low), self.radius * (high - own)

    def _most_of_tokens(self, ways: Tensor) -> Tensor:
        """Return (B, C) the most that `ways` (N, C) of the tokens of each document can add up to."""
        return self._sums(ways) if self.share == 1 else self._most(ways[self.batch.row_of])

    def _most(self, ways: Tensor, documents: Tensor | slice = ALL) -> Tensor:
        """Return the most (M, ...) that `ways` (M, T, ...) of the positions of `documents` can add up to."""
        if self.share == 1:
            return ways.sum(1)
        return sum_of_largest(ways, self.batch.substituted(self.share)[documents])
