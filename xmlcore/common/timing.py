"""What a stage costs: wall-clock time, and memory where the system tells it."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import FiniteFloat
from typing_extensions import TypedDict

GIB = 2**30
UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in which `ru_maxrss` counts


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Yield a mapping that is filled at the end.

    It gets the `seconds` since the beginning and the `peak_memory_gib` of the process since its start.
    """
    cost: dict[str, float] = {}
    started = time.perf_counter()
    yield cost
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
    cost |= {"seconds": round(time.perf_counter() - started, 1), "peak_memory_gib": round(peak / GIB, 2)}


class Timing(TypedDict):
    """What a stage took, in seconds of wall-clock time."""

    seconds: FiniteFloat
