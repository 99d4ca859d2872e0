"""A parser of the library: a valid input in miniature and the damage that it is to withstand."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from hostile.damage import Bytes, damaged

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Parser:
    name: str
    files: Callable[[], Files]  # of a valid input, by path
    target: str  # the one that is damaged
    read: Callable[[Path], object]
    inputs: Callable[[bytes], Bytes] = damaged  # of the target's valid content
    slow: bool = False  # to read: fewer inputs are tried


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def written(write: Callable[[Path], object]) -> Callable[[], Files]:
    """The files that `write` leaves in an empty folder; it is asked once."""

    @cache
    def files() -> Files:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder))
            return files_of(Path(folder))

    return files


def finite(values: np.ndarray) -> None:
    assert np.isfinite(values).all()
