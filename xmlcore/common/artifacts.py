"""What one stage wrote and another reads: where it is damaged, one line names the file and the stage to run again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from xmlcore.common.errors import UserError, first_complaint


@contextmanager
def written_by(stage: str, path: Path) -> Iterator[None]:
    """Open a context for reading `path`, which `stage` wrote: whatever goes wrong in it is raised as a `UserError`.

    Raise `ValueError` inside for what is wrong. Libraries raise anything at all for damaged files. What is raised for a
    file that is missing or cannot be opened stays an `OSError`.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = first_complaint(error) if isinstance(error, ValidationError) else str(error) or type(error).__name__
        raise UserError(f"{path}: damaged, or not what {stage} writes ({reason}); run {stage} again") from error


def read_array(path: Path, dtype: type[np.generic], *shape: int | None) -> np.ndarray:
    """Return the memory-mapped array of `path`.

    Raises `ValueError` unless it is finite and has this `dtype` and `shape`, in which None is any size.
    """
    array = np.load(path, mmap_mode="r")
    if array.dtype != dtype or array.ndim != len(shape):
        raise ValueError(f"an array {array.shape} of {array.dtype}")
    if any(wanted not in (None, size) for size, wanted in zip(array.shape, shape, strict=True)):
        raise ValueError(f"shape {array.shape} where {shape} is expected")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError("holds NaN or infinity")
    return array
