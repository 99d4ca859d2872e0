"""How far compressed files may expand before they are taken for bombs."""

from pathlib import Path

MAX_EXPANSION = 100  # unpacked bytes for each byte of the file; natural text stays below 20
ALWAYS_ALLOWED_BYTES = 64 << 20


def allowed_bytes(path: Path) -> int:
    """The most bytes that the file `path` may unpack to."""
    return max(ALWAYS_ALLOWED_BYTES, MAX_EXPANSION * path.stat().st_size)
