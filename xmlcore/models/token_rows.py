"""Batches of embedded documents in which equal tokens share a row, so that they share their work."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from xmlcore.common.device import to_device


class TokenRows(NamedTuple):
    """Position (b, t) of a batch has the embedding `rows[row_of[b, t]]`. `B` batch, `T` tokens, `D` width, `R` rows."""

    rows: Tensor  # (R, D); row 0 is the zero of the padding
    row_of: Tensor  # (B, T) int64, or (T,) for one document without padding; 0 at the padding and nowhere else

    @classmethod
    def one_each(cls, embeddings: Tensor, mask: Tensor) -> "TokenRows":
        """Return `embeddings` (B, T, D) with a row of its own for every position where `mask` (B, T) is true.

        Elsewhere than on the CPU the padding has rows, too: to count it would keep a GPU waiting.
        """
        rows, counted = embeddings.flatten(0, 1), torch.ones_like(mask)
        if embeddings.device.type == "cpu":
            rows, counted = rows.index_select(0, mask.flatten().nonzero()[:, 0]), mask
        rows = torch.cat([embeddings.new_zeros(1, embeddings.shape[2]), rows])
        return cls(rows, counted.flatten().cumsum(0).view_as(mask) * mask)

    @property
    def mask(self) -> Tensor:
        """(B, T) true at real tokens."""
        return self.row_of != 0

    def embeddings(self, probe: Tensor | None = None) -> Tensor:
        """Return the embeddings (B, T, D), with `probe` (N, T, D), if there is one, added to the first N documents."""
        embeddings = functional.embedding(self.row_of, self.rows)
        if probe is None:
            return embeddings
        return embeddings + functional.pad(probe, (0, 0, 0, 0, 0, len(self.row_of) - len(probe)))

    def first(self, documents: int) -> "TokenRows":
        """Return the batch of the first `documents` documents alone, with the same rows."""
        return self._replace(row_of=self.row_of[:documents])

    def used(self) -> "TokenRows":
        """Return the batch without the rows that no position has."""
        used, index = functional.pad(self.row_of.flatten(), (1, 0)).unique(return_inverse=True)
        return TokenRows(self.rows.index_select(0, used), index[1:].view_as(self.row_of))


class SubstitutedRows(NamedTuple):
    """A batch in which any token may become another: position (b, t) has one of the rows `sets[row_of[b, t]]`.

    `B` batch, `T` tokens, `D` width, `R` rows, of which the documents have the first `N`, each with a set of `K` rows.
    """

    rows: Tensor  # (R, D); row 0 is the zero of the padding
    row_of: Tensor  # (B, T) int64, below N; 0 at the padding and nowhere else
    sets: Tensor  # (N, K) int64; row n is the first of set n, and stands for what a smaller set lacks

    def substituted(self, share: float) -> Tensor:
        """Return (B,) how many positions of each document are a `share` of them, rounded down."""
        by_length = torch.tensor([share_of(share, length) for length in range(self.row_of.shape[1] + 1)])
        return to_device(by_length, self.row_of.device)[(self.row_of != 0).sum(1)]

    @property
    def unchanged(self) -> TokenRows:
        """The documents as they are, without the rows of substitutes."""
        return TokenRows(self.rows[: len(self.sets)], self.row_of)

    def first(self, documents: int) -> "SubstitutedRows":
        """Return the batch of the first `documents` documents alone, with the same rows."""
        return self._replace(row_of=self.row_of[:documents])


def share_of(share: float, tokens: int) -> int:
    """Return how many of so many `tokens` are a `share` of them, rounded down."""
    return int(share * tokens + 1e-9)
