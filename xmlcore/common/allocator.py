"""The process keeps the memory of freed tensors for the next ones.

By default glibc gives every large block back to the system and has it zeroed, page by page, when it is asked for again:
with activations of many megabytes in every step that costs as much as what is computed in them.
"""

import ctypes
import sys

M_TRIM_THRESHOLD = -1  # parameters of mallopt(3)
M_MMAP_THRESHOLD = -3
LARGEST_KEPT = 2**28  # bytes; larger blocks, such as the weights of large models, still go back
NEVER = -1


def keep_freed_memory() -> None:
    """Make glibc's allocator keep blocks of up to `LARGEST_KEPT` bytes; nothing happens where there is another one."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
        mallopt(M_TRIM_THRESHOLD, NEVER)
