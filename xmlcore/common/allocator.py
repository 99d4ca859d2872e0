"""The process keeps the memory of freed tensors for the next ones.

By default glibc gives every large block back to the system and has it zeroed, page by page, when it is asked for again:
with activations of many megabytes in every step that costs as much as what is computed in them.
"""

import ctypes
import sys
from collections.abc import Callable

M_TRIM_THRESHOLD = -1  # parameters of mallopt(3)
M_MMAP_THRESHOLD = -3
LARGEST_KEPT = 2**28  # bytes; larger blocks, such as the weights of large models, still go back
NEVER = -1


def keep_freed_memory() -> None:
    """Make glibc's allocator keep blocks of up to `LARGEST_KEPT` bytes; nothing happens where there is another one."""
    mallopt = _glibc("mallopt")
    mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
    mallopt(M_TRIM_THRESHOLD, NEVER)


def give_back_freed_memory() -> None:
    """Give the system what is kept: before work that needs blocks of other sizes."""
    _glibc("malloc_trim")(0)


def _glibc(name: str) -> Callable[..., object]:
    """Return a function of glibc's allocator, where there is another one a function that does nothing."""
    found = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    return found or (lambda *arguments: None)
