"""Where a training is, stored so that a killed one carries on: one safetensors file, which goes when the work is done.

A state is nested mappings and lists of tensors and of what JSON knows. Numbers of JSON keep all their digits.
"""

import hashlib
import json
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import Optimizer

from xmlcore.common.cli import console
from xmlcore.common.distributed import is_writer, processes
from xmlcore.common.files import atomic_file

EVERY = 600.0  # seconds after which an epoch is stored before its end
SHARE = 0.02  # of the time, at most, is for storing
TENSOR = "\0tensor"  # the key of what stands for a tensor; no name has such a character


class Checkpoint:
    """The stored state of one training, in the file `path`; that of a run with another `fingerprint` is dropped.

    Of several processes one writes, and all read.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self._path, self._fingerprint = path, fingerprint
        self._saved, self._took = time.monotonic(), 0.0

    def load(self) -> Any | None:
        """Return the state that was saved last, None where there is none that is whole and of this run."""
        if not self._path.exists():
            return None
        try:
            with safe_open(self._path, "pt") as file:
                stored = file.metadata()
                if stored["fingerprint"] != self._fingerprint:
                    _tell(f"{self._path}: of another run; begun afresh")
                    return None
                names = file.keys()
                tensors = {name: file.get_tensor(name) for name in names}
            if stored["digest"] != _digest(stored["state"], tensors):
                raise ValueError("not what was written")
            state = _restored(json.loads(stored["state"]), tensors)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            _tell(f"{self._path}: damaged ({' '.join(str(error).split())[:100]}); begun afresh")
            return None
        _tell(f"{self._path}: carried on from there")
        return state

    def save(self, state: Any) -> None:
        """Store `state` in the place of an earlier one."""
        if not is_writer():
            return
        tensors: dict[str, Tensor] = {}
        described = json.dumps(_described(state, tensors))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(self._path) as temporary:
            stored = {"fingerprint": self._fingerprint, "state": described, "digest": _digest(described, tensors)}
            save_file(tensors, temporary, stored)

    def after_step(self, state: Callable[[], Any]) -> None:
        """Store `state()` where that was last done more than `EVERY` seconds ago."""
        if time.monotonic() - self._saved > EVERY:
            self._store(state)

    def after_epoch(self, state: Callable[[], Any]) -> None:
        """Store `state()` unless that would take more than `SHARE` of the time since it was last done."""
        if self._took <= SHARE * (time.monotonic() - self._saved):
            self._store(state)

    def _store(self, state: Callable[[], Any]) -> None:
        began = time.monotonic()
        self.save(state())
        self._saved = time.monotonic()
        self._took = self._saved - began

    def remove(self) -> None:
        """Remove what is stored: the work is done, and its results are elsewhere."""
        if is_writer():
            self._path.unlink(missing_ok=True)


def surroundings() -> list[Any]:
    """Return what decides the bits of a training besides what it is given: processes, threads, versions."""
    return [processes(), torch.get_num_threads(), *map(version, ("torch", "numpy", "transformers"))]


def restore_optimizer(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Let `optimizer` go on from a loaded `state` of one like it; JSON made text of the numbers of its parameters."""
    moments = {int(number): each for number, each in state["state"].items()}
    optimizer.load_state_dict({"state": moments, "param_groups": state["param_groups"]})


def _tell(line: str) -> None:
    console.print(line, markup=False, soft_wrap=True)


def _digest(described: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(described.encode())
    for name in sorted(tensors):
        digest.update(tensors[name].flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _described(state: Any, tensors: dict[str, Tensor]) -> Any:
    """Return `state` with the number of a tensor in the place of each, which goes into `tensors`."""
    if isinstance(state, Tensor):
        name, tensor = str(len(tensors)), state.detach().cpu().contiguous()
        shared = any(
            tensor.untyped_storage().data_ptr() == each.untyped_storage().data_ptr() for each in tensors.values()
        )
        tensors[name] = tensor.clone() if shared else tensor  # a file of safetensors has no two in one place
        return {TENSOR: name}
    if isinstance(state, dict):
        return {key: _described(value, tensors) for key, value in state.items()}
    return [_described(value, tensors) for value in state] if isinstance(state, list | tuple) else state


def _restored(described: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(described, dict):
        if TENSOR in described:
            return tensors[described[TENSOR]]
        return {key: _restored(value, tensors) for key, value in described.items()}
    return [_restored(value, tensors) for value in described] if isinstance(described, list) else described
