"""An accelerator that only pretends: its tensors say that they are on `DEVICE`, and what they hold is on the CPU.

As on a real one, an operation on tensors of two devices raises, as do `numpy()`, a generator of the CPU, and float64,
which not every one has (`mps`). Copies may cross, CPU tensors without dimensions may join element-wise work, and those
of indices may index. Values are real, so that all of a program runs. `waits` counts by operation what would make the
CPU wait for a GPU.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils import backend_registration
from torch.utils._python_dispatch import return_and_correct_aliasing

COPIES = {"aten::_to_copy", "aten::copy_", "aten::copy", "aten::_copy_from"}
INDEXING = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_", "aten::_unsafe_index_put"}
WAITING = {"aten::_local_scalar_dense", "aten::nonzero", "aten::_unique2", "aten::bincount", "aten::masked_select"}
WAITING |= {"aten::equal", "aten::repeat_interleave", "aten::_coalesce", "aten::is_nonzero"}

waits: Counter[str] = Counter()


class _Module(backend_registration._DummyBackendModule):
    """What torch asks of `torch.pretended`."""

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


backend_registration._setup_privateuseone_for_python_backend("pretended", _Module())
torch.autograd.set_multithreading_enabled(False)  # a thread of the device would hold tensors of Python at exit
DEVICE = torch.device("pretended:0")


class Pretended(Tensor):
    """A tensor on `DEVICE`; `held` is on the CPU."""

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor) -> "Pretended":
        layout = (held.stride(), held.storage_offset()) if held.layout == torch.strided else ()
        return torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, held.size(), *layout, dtype=held.dtype, layout=held.layout, device=DEVICE
        )

    def __init__(self, held: Tensor) -> None:
        self.held = held

    def __repr__(self, *, tensor_contents: object = None) -> str:
        return f"Pretended({self.held!r})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        copied: Tensor = Pretended(self.held.clone())
        if isinstance(self, torch.nn.Parameter):
            copied = torch.nn.Parameter(copied, self.requires_grad)
        memo[id(self)] = copied
        return copied

    def untyped_storage(self) -> torch.UntypedStorage:
        """Return what safetensors tells tensors apart by."""
        return self.held.untyped_storage()

    def tolist(self) -> Any:
        """Return the values, which torch refuses to read of a subclass."""
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        with torch.inference_mode(False), torch.no_grad():  # a view of what is no inference tensor is none either
            return _run(func, args, kwargs or {})


def _run(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run `func` on what the tensors of `args` and `kwargs` hold; raises `RuntimeError` as a real device would."""
    name = func._schema.name
    if name == "aten::to":  # which is not taken apart in inference mode
        return func.decompose(*args, **kwargs)
    tensors = [*_tensors_of(args), *_tensors_of(kwargs)]
    here = _is_of_device(name, args, kwargs, tensors)
    _check(func, name, args, kwargs, tensors, here)
    if _is_wait(func, args, kwargs, tensors, here):
        waits[name] += 1
    held_args, held_kwargs = _held(args), _held(kwargs)
    if kwargs.get("device") is not None:
        held_kwargs["device"] = torch.device("cpu")
    found = func(*held_args, **held_kwargs)
    if not here or name == "aten::_local_scalar_dense":
        return found
    pretended = _pretended(found)
    return return_and_correct_aliasing(func, args, kwargs, pretended) if _shares_memory(func) else pretended


@cache
def _shares_memory(func: Any) -> bool:
    """Return whether what `func` returns is one of its arguments, or a view of one."""
    return any(argument.alias_info for argument in func._schema.arguments)


def _tensors_of(given: Any) -> Iterator[Tensor]:
    if isinstance(given, Tensor):
        yield given
    elif isinstance(given, list | tuple | dict):
        for each in given.values() if isinstance(given, dict) else given:
            yield from _tensors_of(each)


def _held(given: Any) -> Any:
    if isinstance(given, Pretended):
        return given.held
    if isinstance(given, dict):
        return {key: _held(each) for key, each in given.items()}
    return type(given)(map(_held, given)) if isinstance(given, list | tuple) else given


def _pretended(found: Any) -> Any:
    if isinstance(found, Tensor):
        if found.dtype == torch.float64:
            raise TypeError(f"{DEVICE} has no float64")
        return Pretended(found)
    return type(found)(map(_pretended, found)) if type(found) in (list, tuple) else found


def _is_of_device(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], tensors: Sequence[Tensor]) -> bool:
    """Return whether the result is on `DEVICE`."""
    if kwargs.get("device") is not None:
        return torch.device(kwargs["device"]).type == DEVICE.type
    return isinstance(args[0], Pretended) if name in COPIES else any(isinstance(each, Pretended) for each in tensors)


def _check(
    func: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], tensors: Sequence[Tensor], here: bool
) -> None:
    generator = kwargs.get("generator")
    if here and generator is not None and generator.device.type == "cpu":
        raise RuntimeError(f"{name}: a generator of the CPU for {DEVICE}")
    strangers = [each for each in tensors if not isinstance(each, Pretended)]
    if name in COPIES or len(strangers) == len(tensors):
        return
    if name in INDEXING and isinstance(args[0], Pretended):
        strangers = [each for each in strangers if all(each is not index for index in args[1])]
    if torch.Tag.pointwise in func.tags or name in INDEXING:
        strangers = [each for each in strangers if each.dim()]
    if strangers:
        shapes = ", ".join(f"{tuple(each.shape)} of {each.dtype}" for each in strangers)
        raise RuntimeError(f"Expected all tensors on {DEVICE}: {name} was given {shapes} on the CPU")


def _is_wait(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], tensors: Sequence[Tensor], here: bool) -> bool:
    """Return whether the CPU cannot go on before the device has come so far.

    So it is where a value, or the size of a result, has to be known, and where tensors are copied across, unless they
    go there and `non_blocking` allows it.
    """
    name = func._schema.name
    if name in COPIES and here:
        source = args[1] if name != "aten::_to_copy" else args[0]
        named = dict(zip((each.name for each in func._schema.arguments), args, strict=False)) | kwargs
        return not isinstance(source, Pretended) and not named.get("non_blocking")
    if not any(isinstance(each, Pretended) for each in tensors):
        return False
    by_mask = name in INDEXING and any(isinstance(each, Pretended) and each.dtype == torch.bool for each in args[1])
    return name in WAITING or by_mask or name in COPIES


def _empty(
    size: Sequence[int], *, dtype: Any = None, layout: Any = None, memory_format: Any = None, **_: Any
) -> Tensor:
    return Pretended(torch.empty(size, dtype=dtype, layout=layout, memory_format=memory_format, device="cpu"))


def _empty_strided(
    size: Sequence[int], stride: Sequence[int], *, dtype: Any = None, layout: Any = None, **_: Any
) -> Any:
    return Pretended(torch.empty_strided(size, stride, dtype=dtype, layout=layout, device="cpu"))


def _arange(*bounds: Any, dtype: Any = None, **_: Any) -> Tensor:
    """Return what torch's own would make empty, then resize, of which a wrapper knows nothing."""
    return Pretended(torch.arange(*bounds, dtype=dtype, device="cpu"))


def _copy_from(source: Tensor, target: Tensor, non_blocking: bool = False) -> Tensor:
    held_source, held_target = (each.held if isinstance(each, Pretended) else each for each in (source, target))
    held_target.copy_(held_source)
    return target


_library = torch.library.Library("aten", "IMPL")  # makes tensors of `DEVICE`; all else comes to the class
_kernels: dict[str, Callable[..., Tensor]] = {
    "empty.memory_format": _empty,
    "empty_strided": _empty_strided,
    "_copy_from": _copy_from,
    **dict.fromkeys(("arange", "arange.start", "arange.start_step"), _arange),
}
for _name, _kernel in _kernels.items():
    _library.impl(_name, _kernel, "PrivateUse1")


def _in_bfloat16(operation: Any) -> Callable[..., Tensor]:
    def cast(*args: Any) -> Tensor:
        with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet("AutocastPrivateUse1")):
            return operation(*(each.bfloat16() if isinstance(each, Tensor) else each for each in args))

    return cast


_others = torch.library.Library("_", "IMPL")
_others.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
for _product in ("linear", "matmul", "conv1d"):  # some of what autocast lets a GPU take in bfloat16
    _library.impl(_product, _in_bfloat16(getattr(torch.ops.aten, _product).default), "AutocastPrivateUse1")
for _key in ("PrivateUse1", "AutogradPrivateUse1"):  # torch would call a fused kernel that the CPU has not
    _library.impl("lstm.input", torch._decomp.decompositions.lstm_impl, _key)
