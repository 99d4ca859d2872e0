"""Atomic writes: a reader sees the old file, the new file or none, never half of one."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; on success rename it to `path`, on failure remove it."""
    temporary = _temporary(path)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`; on success it replaces `path`, on failure it is removed."""
    temporary = _temporary(path)
    old = temporary.with_suffix(".old.partial")
    temporary.mkdir()
    try:
        yield temporary
        if path.exists():
            os.replace(path, old)  # at once: removing it takes a while, in which half of it would be seen
        os.replace(temporary, path)
    finally:
        _remove(temporary)
        _remove(old)


def _temporary(path: Path) -> Path:
    """Return a name beside `path` that git and DVC ignore; remove what killed processes have left under such names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    leftover = re.compile(rf"\.{re.escape(path.name)}\.([0-9]+)(\.old)?\.partial")
    for each in path.parent.iterdir():
        if (name := leftover.fullmatch(each.name)) and not _another_runs(int(name[1])):
            _remove(each)
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def _another_runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except PermissionError:  # another user's
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return process != os.getpid()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically. NaN is refused with `ValueError`: it is not JSON."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
