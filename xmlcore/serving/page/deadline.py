"""A bound on how long a model computes, whichever model it is."""

import time
from collections.abc import Callable
from threading import Event
from typing import Any

from torch.overrides import TorchFunctionMode


class Deadline(TorchFunctionMode):
    """Within it, each call of torch by this thread raises `TimeoutError` once it is `moment`, or `stopped` is set.

    So nothing goes on computing an answer that nobody waits for. `moment` is one of `time.monotonic`.
    """

    def __init__(self, moment: float, stopped: Event) -> None:
        super().__init__()
        self._moment, self._stopped = moment, stopped

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call `func`, in time."""
        if time.monotonic() > self._moment or self._stopped.is_set():
            raise TimeoutError
        return func(*args, **(kwargs or {}))
