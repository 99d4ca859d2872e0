"""How compressed files are opened, and how far they may expand before they are taken for bombs."""

from collections.abc import Callable
from io import BufferedIOBase
from pathlib import Path
from typing import Literal

Opener = Callable[[Path, Literal["rb"]], BufferedIOBase]  # such as `gzip.open`
MAX_EXPANSION = 100  # unpacked bytes for each byte of the file; natural text stays below 20
ALWAYS_ALLOWED_BYTES = 64 << 20


def allowed_bytes(path: Path) -> int:
    """Return the most bytes that the file `path` may unpack to."""
    return max(ALWAYS_ALLOWED_BYTES, MAX_EXPANSION * path.stat().st_size)
