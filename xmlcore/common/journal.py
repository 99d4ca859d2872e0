"""Work that was done before a run was killed, so that the next one carries on: JSON values, one a line."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xmlcore.common.distributed import is_writer
from xmlcore.common.files import atomic_file

DIGITS = 16  # of the digest of a line


class Journal:
    """The values appended so far.

    Those of a run with another `fingerprint`, and those from the first damaged line on, such as one cut short, are
    dropped: every line begins with a digest of itself and of the line before it. Of several processes, which all append
    the same, one writes.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self._path = path
        lines = _whole_lines(path.read_bytes() if path.exists() else b"")
        if lines[:1] != [_line(b"", fingerprint)]:
            lines = [_line(b"", fingerprint)]
        if is_writer():
            with atomic_file(path) as temporary:
                temporary.write_bytes(b"".join(lines))
        self._last = lines[-1]
        self._values = [json.loads(line[DIGITS:]) for line in lines[1:]]

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, number: int) -> Any:
        return self._values[number]

    def append(self, value: Any) -> None:
        self._last = _line(self._last, value)
        if is_writer():
            with self._path.open("ab") as file:
                file.write(self._last)
        self._values.append(json.loads(self._last[DIGITS:]))

    def remove(self) -> None:
        """Remove the journal: the work is done, and its results are elsewhere."""
        if is_writer():
            self._path.unlink()


def _line(before: bytes, value: Any) -> bytes:
    content = json.dumps(value, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    return _digest(before, content) + content


def _whole_lines(content: bytes) -> list[bytes]:
    """Return the lines up to the first damaged one."""
    before, whole = b"", []
    for line in content.splitlines(keepends=True):
        if line[:DIGITS] != _digest(before, line[DIGITS:]):
            break
        whole.append(before := line)
    return whole


def _digest(before: bytes, content: bytes) -> bytes:
    return hashlib.sha256(before[:DIGITS] + content).hexdigest()[:DIGITS].encode()


def fingerprint(paths: Iterable[Path], *values: Any) -> str:
    """Return a digest of every file at and below `paths`, and of JSON `values`: what a journal's work came from."""
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for path in paths:
        for file in [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file()):
            if file.suffix != ".pyc":
                digest.update(f"{file.relative_to(path)}\0{file.stat().st_size}\0".encode())
                with file.open("rb") as content:
                    digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
