"""What every stage script shares: one Typer command, a user's mistake as one line, rich progress on stderr."""

import errno
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from xmlcore.common.allocator import keep_freed_memory
from xmlcore.common.errors import UserError
from xmlcore.common.printable import printable

LINE = 1000  # characters of a message, at most
LOG_SECONDS = 60  # between two lines about progress
console = Console(stderr=True)
Item = TypeVar("Item")


def run(main: Callable[..., None]) -> None:
    """Run `main` as a Typer command; `UserError` and `OSError` end it with one line and exit code 1."""
    keep_freed_memory()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    try:
        with _processes():
            app()
    except UserError as error:
        fail(str(error))
    except OSError as error:
        fail(describe(error))


def _processes() -> AbstractContextManager:
    """Join the other processes, where a launcher started several."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return nullcontext()
    from xmlcore.common.distributed import joined

    return joined()


def describe(error: OSError) -> str:
    """Return what a user is told of `error`, with a mend where there is one."""
    place = f"{error.filename}: " if error.filename else ""
    mends = {
        errno.ENOSPC: "; free some space and run again",
        errno.ENOENT: "; run the stage that writes it, or all with `dvc repro`",
    }
    if error.errno is None:  # numpy's short writes
        return f"{place}{error}; the disk may be full: free some space and run again"
    return f"{place}{error.strerror}{mends.get(error.errno, '')}"


def fail(message: str) -> None:
    """Print `message` as one line on stderr and leave with exit code 1."""
    print(f"error: {as_line(message)}", file=sys.stderr)
    raise SystemExit(1)


def as_line(message: str) -> str:
    """Return `message` as one line that no terminal takes for a command, its middle left out where it is very long.

    It may quote a file that nobody has checked.
    """
    line = printable(" ".join(message.split()))
    return line if len(line) <= LINE else f"{line[: LINE * 2 // 3]} ... {line[-LINE // 4 :]}"


def progress_bar() -> Progress:
    """Return a progress display with count, elapsed and remaining time; silent but on a terminal and for rank 0."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal or not _is_first_process(),
    )


def track(items: Iterable[Item], description: str, total: int | None = None) -> Iterable[Item]:
    """Iterate over `items` behind a progress bar, or, where there is no terminal, with a line every `LOG_SECONDS`."""
    if console.is_terminal or not _is_first_process():
        with progress_bar() as progress:
            yield from progress.track(items, total=total, description=description)
        return
    told = time.monotonic()
    for count, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - told >= LOG_SECONDS:
            told = time.monotonic()
            print(f"{description}: {count}{f' of {total}' if total else ''}", file=sys.stderr, flush=True)


def _is_first_process() -> bool:
    return os.environ.get("RANK", "0") == "0"
