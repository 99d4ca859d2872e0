"""Work that was done before a run was killed, so that the next one carries on: JSON values, one a line."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class Journal:
    """The values appended so far. Those of a run with another `fingerprint`, and a line cut short, are dropped."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        self._path = path
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        if lines[:1] != [json.dumps(fingerprint).encode()]:
            lines = [json.dumps(fingerprint).encode()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        self._values = [json.loads(line) for line in lines[1:]]

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, number: int) -> Any:
        return self._values[number]

    def append(self, value: Any) -> None:
        line = json.dumps(value, ensure_ascii=False, allow_nan=False)
        with self._path.open("ab") as file:
            file.write(line.encode() + b"\n")
        self._values.append(json.loads(line))

    def remove(self) -> None:
        """Forget it: the work is done, and its results are elsewhere."""
        self._path.unlink()


def fingerprint(paths: Iterable[Path], *values: Any) -> str:
    """A digest of every file at and below `paths`, and of JSON `values`: what a journal's work came from."""
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for path in paths:
        for file in [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file()):
            if file.suffix != ".pyc":
                digest.update(f"{file.relative_to(path)}\0{file.stat().st_size}\0".encode())
                with file.open("rb") as content:
                    digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
