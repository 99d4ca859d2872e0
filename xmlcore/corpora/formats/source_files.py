"""Finding the official files of a corpus by their names, plain or compressed by gzip or bzip2."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from xmlcore.common.cli import console
from xmlcore.common.errors import UserError
from xmlcore.config.params import SPLITS, OfficialSplit

NAME_FILES = ("*_labels.*", "*_features.*")
_PART = re.compile(r"(?P<before>.+)-(?P<number>\d{1,9})-of-(?P<of>\d{1,9})(?P<after>\..+)")
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
    parts = find_split_parts(folder, suffixes, named)
    for split, found in parts.items():
        if len(found) > 1:
            raise _several(folder, split, found)
    return {split: found[0] for split, found in parts.items()}


def find_split_parts(
    folder: Path, suffixes: Sequence[str], named: Mapping[OfficialSplit, str]
) -> dict[OfficialSplit, list[Path]]:
    """Return what `find_splits` does, where a split may be cut into files called `NAME-00000-of-00002.SUFFIX`."""
    names = set(find_files(folder, *NAME_FILES))
    found = [path for path in find_files(folder, *(f"*{suffix}" for suffix in suffixes)) if path not in names]
    candidates = [path for path in found if not VALIDATION & _words(path)]
    for path in found:
        if path not in candidates and path.name not in named.values():
            _say_ignored(path)
    return {
        split: [find_file(folder, named[split], _uncompressed_name(Path(named[split])))]
        if split in named
        else _find_split(folder, split, candidates, suffixes)
        for split in SPLITS
    }


def find_split_folders(folder: Path, named: Mapping[OfficialSplit, str]) -> dict[OfficialSplit, Path]:
    """Return the folders `train` and `test` of `folder`, or those that are `named`; none where not both are there.

    They may stand in another folder, as an archive has them. One of validation documents is said to be ignored.
    """
    names = [named.get(split, split) for split in SPLITS]
    places = [folder, *sorted(folder.iterdir())] if folder.is_dir() else []
    found = [place for place in places if all((place / name).is_dir() for name in names)]
    if len(found) > 1:
        several = ", ".join(str(place) for place in found)
        raise UserError(f"{folder}: several folders with {' and '.join(names)}: {several}; keep one of them")
    for path in sorted(found[0].iterdir()) if found else ():
        if path.is_dir() and VALIDATION & _words(path) and path.name not in names:
            _say_ignored(path)
    return {split: found[0] / name for split, name in zip(SPLITS, names, strict=True)} if found else {}


def _find_split(folder: Path, split: OfficialSplit, candidates: list[Path], suffixes: Sequence[str]) -> list[Path]:
    found = [path for path in candidates if split in _words(path)]
    if not found:
        ends = " or ".join(suffixes)
        raise UserError(
            f"{folder}: no {split} file: its name has the word {split} in it and ends in {ends} (plain, .gz or .bz2), "
            f"as mine_{split}{suffixes[0]}; give a file such a name, or name it as convert.files.{split}"
        )
    parts = [_PART.fullmatch(path.name) for path in found]
    wholes = {part.group("before", "of", "after") if part else None for part in parts}
    if len(found) > 1 and (len(wholes) > 1 or None in wholes):
        raise _several(folder, split, found)
    numbers = [int(part["number"]) for part in parts if part]
    if parts[0] and (numbers != [*range(len(numbers))] or len(numbers) != int(parts[0]["of"])):
        there = ", ".join(path.name for path in found)
        raise UserError(f"{folder}: of the parts of the {split} file there are {there} alone; fetch the others")
    return found


def _several(folder: Path, split: OfficialSplit, found: Sequence[Path]) -> UserError:
    several = ", ".join(str(path.relative_to(folder)) for path in found)
    return UserError(f"{folder}: several {split} files: {several}; name one as convert.files.{split}")


def _say_ignored(path: Path) -> None:
    console.print(f"{path}: ignored; validation documents are drawn from those of the training file")


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
