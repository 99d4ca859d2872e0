"""The gradient of a batch as the sum over its micro-batches, whichever process computes which."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from xmlcore.common.device import to_device
from xmlcore.common.distributed import all_reduce, broadcast, processes, rank, share
from xmlcore.config.params import GradientSum
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
    model: Classifier,
    micro_batches: Sequence[MicroBatch],
    backward: Callable[[MicroBatch], Tensor],
    gradient_sum: GradientSum = "ordered",
) -> Tensor:
    """Leave in `.grad` the sum of what `backward` adds there for each micro-batch, and return the sum of its losses.

    `ordered` gives the same to the bit for any number of processes; `all_reduce` sends less and waits less. Losses stay
    where the model is: to read one is to wait for a GPU.
    """
    if processes() == len(micro_batches) == 1:
        model.zero_grad()
        return backward(micro_batches[0])
    add = _add_in_order if gradient_sum == "ordered" else _add_at_once
    return add(model, micro_batches, backward)


def _add_at_once(
    model: Classifier, micro_batches: Sequence[MicroBatch], backward: Callable[[MicroBatch], Tensor]
) -> Tensor:
    """Add up in each process, then over all of them."""
    model.zero_grad()
    loss = sum(map(backward, share(micro_batches)), start=model.embedding_table.new_zeros(()))
    if processes() > 1:
        rows = to_device(torch.cat([each.tokens.flatten() for each in micro_batches]).unique(), model.device)
        packed = _packed(model, rows, loss)
        all_reduce(packed)
        in_table, rest = packed.tensor_split([len(rows) * model.embedding_table.shape[1]])
        loss = _put(model, rows, in_table.view(len(rows), -1), rest)
    return loss


def _add_in_order(
    model: Classifier, micro_batches: Sequence[MicroBatch], backward: Callable[[MicroBatch], Tensor]
) -> Tensor:
    """Add up in the order of `micro_batches`, holding the gradient of one at a time."""
    table = model.embedding_table
    rows = [to_device(each.tokens.unique(), table.device) for each in micro_batches]
    union, places = torch.cat(rows).unique(return_inverse=True)
    in_table = table.new_zeros(len(union), table.shape[1])
    rest = table.new_zeros(sum(parameter.numel() for parameter in _others(model)) + 1)
    own = table.new_empty(0)
    for i, place in enumerate(places.split([len(each) for each in rows])):
        owner, mine = i % processes(), i - i % processes() + rank()
        if owner == 0 and mine < len(micro_batches):  # each process computes its one of these, then they are added
            model.zero_grad()
            loss = backward(micro_batches[mine])
            own = _packed(model, rows[mine], loss)
        packed = own if mine == i else table.new_empty(place.numel() * table.shape[1] + len(rest))
        broadcast(packed, owner)
        moved, elsewhere = packed.split([len(packed) - len(rest), len(rest)])
        in_table.index_add_(0, place, moved.view(len(place), -1))
        rest += elsewhere
    model.zero_grad()
    return _put(model, union, in_table, rest)


def _others(model: Classifier) -> list[torch.nn.Parameter]:
    """Return the parameters besides the embedding table, of which only the rows of tokens are sent."""
    return [parameter for parameter in model.parameters() if parameter is not model.embedding_table]


def _packed(model: Classifier, rows: Tensor, loss: Tensor) -> Tensor:
    """Return as one vector the gradients, those of the table at `rows` (R,) first, and the loss."""
    in_table = _gradient(model.embedding_table).index_select(0, rows).to_dense()
    gradients = (_gradient(parameter).flatten() for parameter in _others(model))
    return torch.cat([in_table.flatten(), *gradients, loss.view(1)])


def _put(model: Classifier, rows: Tensor, in_table: Tensor, rest: Tensor) -> Tensor:
    """Put the gradients of the table, (R, D) at `rows` (R,), and the `rest` into `.grad`; return the loss, its last.

    What the table's gradient holds elsewhere stays.
    """
    table, others = model.embedding_table, _others(model)
    if table.grad is None or table.grad.is_sparse:
        gradient = torch.sparse_coo_tensor(rows[None], in_table, table.shape, check_invariants=False, is_coalesced=True)
        table.grad = gradient if model.sparse_embedding else gradient.to_dense()
    else:
        table.grad.index_copy_(0, rows, in_table)
    for parameter, part in zip(others, rest[:-1].split([each.numel() for each in others]), strict=True):
        parameter.grad = part.view_as(parameter)
    return rest[-1].clone()  # without the gradients beside it


def _gradient(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
