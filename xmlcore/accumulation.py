"""The gradient of a batch as the sum over its micro-batches, whichever process computes which."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from xmlcore.distributed import broadcast, processes, share
from xmlcore.models import Classifier


class MicroBatch(NamedTuple):
    tokens: Tensor  # (b, T) int64
    targets: Tensor  # (b, L)
    weight: float  # its share of the batch's documents
    seed: int  # of what is drawn while it is computed


def accumulate(
    model: Classifier, micro_batches: Sequence[MicroBatch], backward: Callable[[MicroBatch], float]
) -> float:
    """Leave in `.grad` the sum of what `backward` adds there for each micro-batch, and return that of its losses.

    The sum is taken in the order of `micro_batches`, so that it is the same to the bit for any number of processes.
    Of the embedding table only the rows of a micro-batch's tokens travel.
    """
    if processes() == len(micro_batches) == 1:
        model.zero_grad()
        return backward(micro_batches[0])
    table = model.embedding_table
    others = [parameter for parameter in model.parameters() if parameter is not table]
    rows = [micro_batch.tokens.unique() for micro_batch in micro_batches]
    own: dict[int, Tensor] = {}
    for i in share(range(len(micro_batches))):
        model.zero_grad()
        loss = backward(micro_batches[i])
        gradients = [_gradient(table)[rows[i]], *map(_gradient, others)]
        own[i] = torch.cat([*(gradient.flatten() for gradient in gradients), torch.tensor([loss])])

    sizes = [parameter.numel() for parameter in others]
    table.grad = torch.zeros_like(table)
    rest = torch.zeros(sum(sizes) + 1)
    for i, ids in enumerate(rows):
        packed = own.get(i, torch.empty(ids.numel() * table.shape[1] + len(rest)))
        broadcast(packed, i % processes())
        in_table, elsewhere = packed.split([len(packed) - len(rest), len(rest)])
        table.grad.index_add_(0, ids, in_table.view(len(ids), -1))
        rest += elsewhere
    for parameter, gradient in zip(others, rest[:-1].split(sizes), strict=True):
        parameter.grad = gradient.view_as(parameter)
    return rest[-1].item()


def _gradient(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
