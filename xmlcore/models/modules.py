"""Modules of torch as the models need them: lists of one type, layers cut to some outputs, copies sharing weights."""

import copy
from collections.abc import Iterator
from typing import Generic, TypeVar, overload

from torch import Tensor, nn

Module = TypeVar("Module", bound=nn.Module)


class Modules(nn.ModuleList, Generic[Module]):
    """A `ModuleList` that says of what type its modules are."""

    def __iter__(self) -> Iterator[Module]:
        return super().__iter__()  # type: ignore[return-value]

    @overload
    def __getitem__(self, index: slice) -> "Modules[Module]": ...

    @overload
    def __getitem__(self, index: int) -> Module: ...

    def __getitem__(self, index: int | slice) -> "Module | Modules[Module]":
        return super().__getitem__(index)  # type: ignore[return-value]


def narrow_linear(layer: nn.Linear, labels: Tensor) -> nn.Linear:
    """Return a layer with the outputs `labels` (K,) of `layer` alone."""
    narrowed = nn.Linear(layer.in_features, len(labels), device="meta")
    narrowed.weight, narrowed.bias = (nn.Parameter(each.detach()[labels]) for each in (layer.weight, layer.bias))
    return narrowed


def shallow_copy(model: Module) -> Module:
    """Return a copy of `model` that shares every parameter and may be given submodules of its own."""
    copied = copy.copy(model)
    copied._modules = dict(model._modules)
    return copied
