"""Batches of encoded documents: their order, padding and multi-hot targets."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from xmlcore.encoding import Split
from xmlcore.text import PAD


def batches(lengths: np.ndarray, batch_size: int, rng: np.random.Generator | None = None) -> Iterator[np.ndarray]:
    """Index arrays of at most `batch_size` documents of similar length, so that little padding is needed.

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


def pad(documents: list[np.ndarray], width: int | None = None) -> Tensor:
    """(B, T) int64 of `documents` filled with `PAD` to `width`, or to the longest."""
    tokens = np.full((len(documents), width or max(map(len, documents))), PAD, np.int64)
    for row, document in zip(tokens, documents, strict=True):
        row[: len(document)] = document
    return torch.from_numpy(tokens)


def multi_hot(split: Split, documents: np.ndarray, labels: int) -> Tensor:
    """(B, `labels`) float32 targets of `documents` (B,); labels never seen in training have no column."""
    targets = torch.zeros(len(documents), labels)
    for row, i in zip(targets, documents, strict=True):
        known = split.labels_of(i)
        row[torch.from_numpy(known[known >= 0].astype(np.int64))] = 1
    return targets
