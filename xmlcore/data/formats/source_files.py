"""Finding and reading the official files of a corpus, plain or compressed by gzip or bzip2."""

import bz2
import gzip
import re
import zlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import BinaryIO

from xmlcore.common.errors import UserError
from xmlcore.data.decompression import MAX_EXPANSION, allowed_bytes

NAME_FILES = ("*_labels.txt", "*_features.txt")
MAX_LINE_BYTES = 16 << 20  # two million words, in a place where memory holds a line and its words
_FRESH = "get the file from a source you trust"


def open_binary(path: Path) -> BinaryIO:
    """Open `path` for reading, decompressing by its suffix: .gz, .bz2 or neither."""
    openers = {".gz": gzip.open, ".bz2": bz2.open}
    return openers.get(path.suffix, open)(path, "rb")


def numbered_lines(path: Path, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    r"""Stream `(line number from 1, line without its end)`; only '\n' and '\r\n' end a line.

    Raises:
        UserError: the file is missing, empty, truncated, not of its compression, or not in `encoding`; it has a line of
            more than `MAX_LINE_BYTES`, or unpacks to more than natural text does.
    """
    number = 0
    try:
        remaining = allowed_bytes(path)
        with open_binary(path) as stream:
            for number, line in enumerate(iter(partial(stream.readline, MAX_LINE_BYTES + 1), b""), start=1):
                remaining -= len(line)
                if len(line) > MAX_LINE_BYTES:
                    raise UserError(f"{path}:{number}: more than {MAX_LINE_BYTES:,} bytes without a line end; {_FRESH}")
                if remaining < 0:
                    raise UserError(f"{path}:{number}: unpacks to more than {MAX_EXPANSION} times its size; {_FRESH}")
                text = line.decode(encoding).rstrip("\r\n")
                yield number, text.removeprefix("\ufeff") if number == 1 else text
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run the stage that writes it") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}:{number}: not {encoding}; convert the file to {encoding} or fetch it again") from None
    except (EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UserError(f"{path}:{number + 1}: truncated or damaged file ({error}); fetch it again") from error
    if number == 0:
        raise UserError(f"{path}: the file is empty; fetch it again")


def find_files(folder: Path, *patterns: str) -> list[Path]:
    """The files anywhere in `folder` whose names, less .gz or .bz2, match one of the glob `patterns`."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; fetch the corpus first")
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not path.name.startswith(".")
        and any(fnmatchcase(_uncompressed_name(path), pattern) for pattern in patterns)
    )


def find_file(folder: Path, *patterns: str) -> Path:
    """The one file in `folder` that matches `patterns`; `UserError` where there is none or a choice."""
    return _only(find_files(folder, *patterns), folder, patterns)


def find_split(folder: Path, split: str, *suffixes: str) -> Path:
    """The one file of `split` ("train" or "test"): its name holds the split and ends in one of `suffixes`."""
    patterns = [f"*{split}*{suffix}" for suffix in suffixes]
    names = set(find_files(folder, *NAME_FILES))
    return _only([path for path in find_files(folder, *patterns) if path not in names], folder, patterns)


def find_parts(folder: Path, template: str) -> list[Path]:
    """All files named `template.format(0)`, `template.format(1)`, ... in that order; `UserError` where one lacks."""
    found = find_files(folder, re.sub(r"\{.*?\}", "*", template))
    return [find_file(folder, template.format(part)) for part in range(max(1, len(found)))]


def _only(found: list[Path], folder: Path, patterns: tuple[str, ...] | list[str]) -> Path:
    wanted = " or ".join(patterns)
    if not found:
        raise UserError(f"{folder}: no file {wanted} (plain, .gz or .bz2); fetch the corpus again")
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path in found)
        raise UserError(f"{folder}: several files match {wanted}: {names}; keep one of them")
    return found[0]


def _uncompressed_name(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".bz2")
