"""Folders that a stage writes, with one process or several."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from xmlcore.common.distributed import is_writer
from xmlcore.common.files import atomic_directory


@contextmanager
def output_directory(path: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces `path` on success; what processes but the writer put there is thrown away."""
    if is_writer():
        with atomic_directory(path) as folder:
            yield folder
        return
    with TemporaryDirectory() as folder:
        yield Path(folder)
