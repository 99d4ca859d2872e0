"""Batches of encoded documents: their order, padding and true labels."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from xmlcore.common.device import to_device
from xmlcore.data.dataset import Split
from xmlcore.data.tokens import PAD


def batches(lengths: np.ndarray, batch_size: int, rng: np.random.Generator | None = None) -> Iterator[np.ndarray]:
    """Yield index arrays of at most `batch_size` documents of similar length, so that little padding is needed.

    With `rng` the documents are shuffled, sorted within blocks of 16 batches, and the batches shuffled again;
    without it they come by length, then by index.
    """
    if rng is None:
        order = np.argsort(lengths, kind="stable")
        yield from (order[i : i + batch_size] for i in range(0, len(order), batch_size))
        return
    order = rng.permutation(len(lengths))
    block = 16 * batch_size
    blocks = (order[i : i + block] for i in range(0, len(order), block))
    by_length = np.concatenate([b[np.argsort(lengths[b], kind="stable")] for b in blocks])
    starts = np.arange(0, len(by_length), batch_size)
    yield from (by_length[i : i + batch_size] for i in rng.permutation(starts))


class ShuffledBatches:
    """Epochs of the shuffled `batches`, which can be left in the middle of one and taken up there."""

    def __init__(self, lengths: np.ndarray, batch_size: int, rng: np.random.Generator) -> None:
        """Draw from `rng` what order the documents of `lengths` (N,) tokens come in, at the beginning of each epoch."""
        self._lengths, self._batch_size, self._rng = lengths, batch_size, rng
        self._drawn_from = rng.bit_generator.state
        self.steps = -(-len(lengths) // batch_size)
        self.done = 0  # of the steps of this epoch

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the batches that are left of this epoch, or of the next one where none are."""
        rng = self._rng
        if self.done == self.steps:
            self.done = 0
        if self.done:
            rng = np.random.default_rng()
            rng.bit_generator.state = self._drawn_from
        else:
            self._drawn_from = rng.bit_generator.state
        for documents in islice(batches(self._lengths, self._batch_size, rng), self.done, None):
            self.done += 1
            yield documents

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs: where the generator of random numbers was and is, and the steps done."""
        return {"drawn_from": self._drawn_from, "random": self._rng.bit_generator.state, "done": self.done}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state` of the same documents; the generator of random numbers goes on from there, too."""
        self._drawn_from, self._rng.bit_generator.state, self.done = state["drawn_from"], state["random"], state["done"]


def pad(documents: Sequence[np.ndarray], width: int | None = None) -> Tensor:
    """Return `documents` as (B, T) int64, filled with `PAD` to `width`, or to the longest."""
    tokens = np.full((len(documents), width or max(map(len, documents))), PAD, np.int64)
    for row, document in zip(tokens, documents, strict=True):
        row[: len(document)] = document
    return torch.from_numpy(tokens)


class TrueLabels(NamedTuple):
    """The true labels of a batch, as many columns as the document with most of them has; never (B, L)."""

    ids: Tensor  # (B, Y) int64, -1 where there is none
    weights: Tensor  # (B, Y) float32, of the loss of missing the label; 0 where there is none

    def of(self, documents: Tensor | slice) -> "TrueLabels":
        """Return the labels of some `documents` of the batch."""
        return TrueLabels(self.ids[documents], self.weights[documents])

    def to(self, device: torch.device) -> "TrueLabels":
        """Return the labels on `device`."""
        return TrueLabels(to_device(self.ids, device), to_device(self.weights, device))

    def targets(self, columns: Tensor, width: int) -> Tensor:
        """Return (B, `width`) the weight of a label at its column, `columns` (B, Y); the largest where columns meet."""
        absent = self.ids < 0
        places = columns.masked_fill(absent, width)
        targets = self.weights.new_zeros(len(columns), width + 1)
        return targets.scatter_reduce_(1, places, self.weights, "amax")[:, :width]


def true_labels(split: Split, documents: np.ndarray, weights: Tensor | None = None) -> TrueLabels:
    """Return the labels of `documents` (B,) without those unseen in training, with their `weights` (L,) or 1."""
    known = [labels[labels >= 0] for labels in map(split.labels_of, documents)]
    ids = np.full((len(known), max(map(len, known), default=0)), -1, np.int64)
    for row, labels in zip(ids, known, strict=True):
        row[: len(labels)] = labels
    padded = torch.from_numpy(ids)
    each = torch.ones(padded.shape) if weights is None else weights[padded]
    return TrueLabels(padded, each * (padded >= 0))
