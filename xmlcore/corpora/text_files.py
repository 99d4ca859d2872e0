"""Text files read line by line, plain or compressed by gzip or bzip2."""

import bz2
import gzip
import zlib
from collections.abc import Iterator
from functools import partial
from io import BufferedIOBase
from pathlib import Path

from xmlcore.common.errors import UserError
from xmlcore.corpora.decompression import MAX_EXPANSION, Opener, allowed_bytes

MAX_LINE_BYTES = 16 << 20  # two million words; a line and its words are held in memory
_FRESH = "get the file from a source you trust"


def open_binary(path: Path) -> BufferedIOBase:
    """Open `path` for reading, decompressing by its suffix: .gz, .bz2 or neither."""
    openers: dict[str, Opener] = {".gz": gzip.open, ".bz2": bz2.open}
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
