"""The gradient of a batch as the sum over its micro-batches, whichever process computes which."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from xmlcore.common.distributed import broadcast, processes, rank
from xmlcore.data.batches import TrueLabels, pad
from xmlcore.models.base import Classifier


class MicroBatch(NamedTuple):
    tokens: Tensor  # (b, T) int64; on the CPU, as the labels are
    labels: TrueLabels
    weight: float  # its share of the batch's documents
    seed: int  # of the random numbers that are drawn while it is computed


def micro_batches(documents: Sequence[np.ndarray], labels: TrueLabels, parts: int, seed: int) -> list[MicroBatch]:
    """Split a batch, encoded `documents` and their `labels`, into `parts` of one size, or one for each document."""
    count = min(parts, len(documents))
    parted = ((first, slice(first, None, count)) for first in range(count))
    return [
        MicroBatch(pad(documents[part]), labels.of(part), len(documents[part]) / len(documents), seed + first)
        for first, part in parted
    ]


def accumulate(
    model: Classifier, micro_batches: Sequence[MicroBatch], backward: Callable[[MicroBatch], Tensor]
) -> Tensor:
    """Leave in `.grad` the sum of what `backward` adds there for each micro-batch, and return the sum of its losses.

    Losses stay where the model is: to read one is to wait for a GPU.

    The sum is taken in the order of `micro_batches`, so that it is the same to the bit for any number of processes, and
    holds the gradient of one at a time. Of the embedding table only the rows of a micro-batch's tokens are sent.
    """
    if processes() == len(micro_batches) == 1:
        model.zero_grad()
        return backward(micro_batches[0])
    table = model.embedding_table
    others = [parameter for parameter in model.parameters() if parameter is not table]
    rows = [micro_batch.tokens.unique().to(table.device) for micro_batch in micro_batches]
    union, places = torch.cat(rows).unique(return_inverse=True)
    in_table = table.new_zeros(len(union), table.shape[1])
    sizes = [parameter.numel() for parameter in others]
    rest = table.new_zeros(sum(sizes) + 1)
    own = table.new_empty(0)
    for i, place in enumerate(places.split([len(each) for each in rows])):
        owner, mine = i % processes(), i - i % processes() + rank()
        if owner == 0 and mine < len(micro_batches):  # each process computes its one of these, then they are added
            model.zero_grad()
            loss = backward(micro_batches[mine])
            gradients = [_gradient(table).index_select(0, rows[mine]).to_dense(), *map(_gradient, others)]
            own = torch.cat([*(gradient.flatten() for gradient in gradients), loss.view(1)])
        packed = own if mine == i else table.new_empty(place.numel() * table.shape[1] + len(rest))
        broadcast(packed, owner)
        moved, elsewhere = packed.split([len(packed) - len(rest), len(rest)])
        in_table.index_add_(0, place, moved.view(len(place), -1))
        rest += elsewhere
    gradient = torch.sparse_coo_tensor(union[None], in_table, table.shape, check_invariants=False, is_coalesced=True)
    table.grad = gradient if model.sparse_embedding else gradient.to_dense()
    for parameter, gradient in zip(others, rest[:-1].split(sizes), strict=True):
        parameter.grad = gradient.view_as(parameter)
    return rest[-1].clone()  # without the gradients beside it


def _gradient(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
