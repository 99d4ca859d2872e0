"""Finding the official files of a corpus by their names, plain or compressed by gzip or bzip2."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

from xmlcore.common.errors import UserError

NAME_FILES = ("*_labels.txt", "*_features.txt")


def find_files(folder: Path, *patterns: str) -> list[Path]:
    """Return the files anywhere in `folder` whose names, less .gz or .bz2, match one of the glob `patterns`."""
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
    """Return the one file in `folder` that matches `patterns`; raise UserError where there is none or a choice."""
    return _only(find_files(folder, *patterns), folder, patterns)


def find_split(folder: Path, split: str, *suffixes: str) -> Path:
    """Return the one file of `split` ("train" or "test"): its name holds the split and ends in one of `suffixes`."""
    patterns = [f"*{split}*{suffix}" for suffix in suffixes]
    names = set(find_files(folder, *NAME_FILES))
    return _only([path for path in find_files(folder, *patterns) if path not in names], folder, patterns)


def find_parts(folder: Path, template: str) -> list[Path]:
    """Return the files `template.format(0)`, `template.format(1)`, ... in order; raise UserError where one lacks."""
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
