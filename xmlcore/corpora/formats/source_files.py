"""Finding the official files of a corpus by their names, plain or compressed by gzip or bzip2."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from xmlcore.common.cli import console
from xmlcore.common.errors import UserError
from xmlcore.config.params import SPLITS, OfficialSplit

NAME_FILES = ("*_labels.*", "*_features.*")
VALIDATION = {"valid", "validation", "val", "dev"}


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


def find_splits(folder: Path, suffixes: Sequence[str], named: Mapping[OfficialSplit, str]) -> dict[OfficialSplit, Path]:
    """Return the training and the test file in `folder`: those that are `named`, or have the word in their names.

    A word is a run of letters, in upper or lower case: latest_train.txt is no test file. The names end in one of
    `suffixes`. Files of validation documents are said to be ignored.
    """
    names = set(find_files(folder, *NAME_FILES))
    found = [path for path in find_files(folder, *(f"*{suffix}" for suffix in suffixes)) if path not in names]
    candidates = [path for path in found if not VALIDATION & _words(path)]
    for path in found:
        if path not in candidates and path.name not in named.values():
            console.print(f"{path}: ignored; validation documents are drawn from those of the training file")
    return {
        split: find_file(folder, named[split], _uncompressed_name(Path(named[split])))
        if split in named
        else _find_split(folder, split, candidates, suffixes)
        for split in SPLITS
    }


def find_split_folders(folder: Path, named: Mapping[OfficialSplit, str]) -> dict[OfficialSplit, Path]:
    """Return the folders `train` and `test` of `folder`, or those that are `named`; none where not both are there."""
    found = {split: place for split in SPLITS if (place := folder / named.get(split, split)).is_dir()}
    return found if len(found) == len(SPLITS) else {}


def _find_split(folder: Path, split: OfficialSplit, candidates: list[Path], suffixes: Sequence[str]) -> Path:
    found = [path for path in candidates if split in _words(path)]
    if not found:
        ends = " or ".join(suffixes)
        raise UserError(
            f"{folder}: no {split} file: its name has the word {split} in it and ends in {ends} (plain, .gz or .bz2), "
            f"as mine_{split}{suffixes[0]}; give a file such a name, or name it as convert.files.{split}"
        )
    if len(found) > 1:
        several = ", ".join(str(path.relative_to(folder)) for path in found)
        raise UserError(f"{folder}: several {split} files: {several}; name one as convert.files.{split}")
    return found[0]


def _words(path: Path) -> set[str]:
    return set(re.split(r"[\W\d_]+", path.name.lower()))


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
