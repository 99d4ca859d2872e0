"""Taking turns with a clock: what is compared is measured in one run, alternately, and told as medians."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """Median seconds of two ways to do one thing. `ratio` is reference / ours."""

    name: str
    ours: float
    reference: float
    ratio: float
    repeats: int


def compare(name: str, ours: Callable[[], object], reference: Callable[[], object], repeats: int) -> Comparison:
    """Run each once unmeasured, then both `repeats` times in turn."""
    times: dict[Callable[[], object], list[float]] = {ours: [], reference: []}
    for turn in range(repeats + 1):
        for work, seconds in times.items():
            started = time.perf_counter()
            work()
            if turn:
                seconds.append(time.perf_counter() - started)
    fast, slow = (statistics.median(seconds) for seconds in times.values())
    return Comparison(name, fast, slow, slow / fast, repeats)
