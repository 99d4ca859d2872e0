"""Several processes at one task: `torchrun` or `accelerate launch` starts them, each computes a share, rank 0 writes.

All processes run the same stage on the same input, and what they put together is equal, to the bit, to what one alone
computes with as many threads, but for what `all_reduce` adds up. A process that no launcher started is alone, and
nothing here costs it anything.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from torch import distributed

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def joined() -> Iterator[None]:
    """Open the group of the processes that the launcher's environment names, and leave it at the end."""
    with_gpus = torch.cuda.is_available() and distributed.is_nccl_available()
    distributed.init_process_group("cpu:gloo,cuda:nccl" if with_gpus else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def rank() -> int:
    return distributed.get_rank() if distributed.is_initialized() else 0


def processes() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


def is_writer() -> bool:
    """Return whether this process is the one that writes."""
    return rank() == 0


def share(items: Iterable[Item]) -> Iterator[Item]:
    """Return this process's part of `items`, which go to the processes in turn."""
    return islice(items, rank(), None, processes())


def add_up(array: np.ndarray) -> None:
    """Put into `array` its sum over the processes. Exact where every entry is zero in all of them but one."""
    if processes() > 1:
        distributed.all_reduce(torch.from_numpy(array.view(np.uint8) if array.dtype == bool else array))


def map_shared(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return `work` of every item, in order and in every process; each process does its share."""
    own = [work(item) for item in share(items)]
    if processes() == 1:
        return own
    everyone: list[list[Result]] = [[] for _ in range(processes())]
    distributed.all_gather_object(everyone, own)
    return [everyone[i % processes()][i // processes()] for i in range(sum(map(len, everyone)))]


def broadcast(tensor: torch.Tensor, owner: int) -> None:
    """Give every process the `tensor` of the process whose rank is `owner`; the others' is overwritten."""
    if processes() > 1:
        with _sent(tensor) as sent:
            distributed.broadcast(sent, owner)


def all_reduce(tensor: torch.Tensor) -> None:
    """Put into `tensor` its sum over the processes, in the order that is quickest."""
    if processes() > 1:
        with _sent(tensor) as sent:
            distributed.all_reduce(sent)


@contextmanager
def _sent(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield `tensor`, or, for a device whose tensors processes cannot send, one on the CPU that is copied back."""
    sent = tensor if tensor.device.type in ("cpu", "cuda") else tensor.cpu()
    yield sent
    if sent is not tensor:
        tensor.copy_(sent)
