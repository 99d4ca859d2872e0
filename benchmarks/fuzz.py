"""Damaged and hostile inputs for every parser, for as long as is wanted: `python benchmarks/fuzz.py --seconds 600`.

Each input gives a valid result or raises `UserError`, with one line that names the file; never another exception, a
hang, memory beyond a small multiple of the input, or a file half written. Prints for each parser how many inputs were
tried, refused and accepted. Ends with exit code 1 at the first that breaks this, which is left in a file. One that
brings down the process itself leaves the stack, and itself in the parser's folder (`fuzz-*` among the temporary files).
"""

import faulthandler
import os
import resource
import signal
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import typer  # noqa: E402
from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from hostile.parsers import PARSERS  # noqa: E402
from hostile.parsers.base import Parser  # noqa: E402
from xmlcore.common.cli import LINE, as_line  # noqa: E402
from xmlcore.common.errors import UserError  # noqa: E402
from xmlcore.common.printable import printable  # noqa: E402

SECONDS = 20  # that one input may take, on a busy machine
MEMORY = 1 << 30  # bytes that reading one may add; inputs are at most a few million bytes
ROUND = 200  # inputs of one call of hypothesis


class Hang(BaseException):
    """An input took too long. Not an `Exception`, so that no handler in between takes it for a complaint."""


@contextmanager
def limits() -> Iterator[None]:
    """Raise `Hang` after `SECONDS`, and `MemoryError` where more than `MEMORY` is asked for."""

    def hang(*_: object) -> None:
        raise Hang

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def causes(error: BaseException) -> Iterator[BaseException]:
    """What `error` came from."""
    while cause := error.__cause__ or error.__context__:
        yield cause
        error = cause


class Trial:
    """One parser in a folder of its own."""

    def __init__(self, parser: Parser, folder: Path) -> None:
        self._parser, self._folder = parser, folder
        self.outcomes: Counter[str] = Counter()
        self.last = b""
        for name, content in parser.files().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        self._files = self._names()
        with suppress(UserError):  # what is imported and cached is so from now on
            parser.read(folder)

    def __call__(self, content: bytes) -> None:
        """Read the target with this `content`; what breaks the promise is an exception."""
        self.last = content
        (self._folder / self._parser.target).write_bytes(content)
        self.outcomes["tried"] += 1
        try:
            with limits():
                self._parser.read(self._folder)
            self.outcomes["accepted"] += 1
        except UserError as error:
            assert not any(isinstance(each, MemoryError) for each in causes(error)), "too much memory"
            line = as_line(str(error))
            assert str(self._folder) in line, f"the file is not named: {line}"
            assert len(line) <= LINE and line == printable(line) and len(line.splitlines()) == 1, (
                f"not a line: {line!r}"
            )
            self.outcomes["refused"] += 1
        assert self._names() == self._files, f"left behind: {self._names() ^ self._files}"

    def _names(self) -> set[Path]:
        return {path for path in self._folder.rglob("*") if path.is_file()}


def explore(parser: Parser, folder: Path, seconds: float, first_seed: int) -> Trial:
    """Try inputs of `parser` for about so many seconds of one core."""
    trial, end = Trial(parser, folder), time.process_time() + seconds
    inputs = parser.inputs(parser.files()[parser.target])
    while time.process_time() < end:
        options = settings(
            max_examples=ROUND // 10 if parser.slow else ROUND,
            database=None,
            deadline=None,
            derandomize=False,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        try:
            seed(first_seed)(options(given(inputs)(lambda content: trial(content))))()
        except BaseException as error:
            error.add_note(parser.name)
            error.content = trial.last
            raise
        first_seed += 1
    return trial


def main(
    seconds: Annotated[float, typer.Option(help="of one core, in all; every parser gets an equal share")] = 600,
    only: Annotated[str, typer.Option(help="parsers with this in their name")] = "",
    first_seed: Annotated[int, typer.Option(help="of the inputs; another one gives others")] = 0,
    failure: Annotated[Path, typer.Option(help="where an input that breaks the promise is left")] = Path(
        "fuzz-failure"
    ),
) -> None:
    """Fuzz every parser."""
    chosen = [parser for parser in PARSERS if only in parser.name]
    faulthandler.enable()
    warnings.simplefilter("ignore")
    table = Table("parser", *("tried", "refused", "accepted"))
    total: Counter[str] = Counter()
    for parser in chosen:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            try:
                outcomes = explore(parser, Path(folder), seconds / len(chosen), first_seed).outcomes
            except (Exception, Hang) as error:
                failure.write_bytes(error.content)
                traceback.print_exception(error)
                print(f"{parser.name}: broken by the content of {failure} as its {parser.target}")
                raise typer.Exit(1) from None
        table.add_row(parser.name, *(f"{outcomes[each]:,}" for each in ("tried", "refused", "accepted")))
        total += outcomes
    table.add_row(f"all {len(chosen)}", *(f"{total[each]:,}" for each in ("tried", "refused", "accepted")))
    Console(width=100).print(table)


if __name__ == "__main__":
    typer.run(main)
