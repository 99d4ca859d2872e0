"""Unpack tar and zip archives that are not trusted: all members or none, and none outside the folder.

A corpus is files and folders, so links, devices and the like are refused outright: no member can redirect another.
"""

import os
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, TypeVar

from xmlcore.errors import UserError

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".zip")
MAX_EXPANSION = 100  # unpacked bytes for each byte of the archive; natural text stays below 20
ALWAYS_ALLOWED_BYTES = 64 << 20
HEADER_BYTES = 512  # so that a flood of empty members counts too
CHUNK_BYTES = 1 << 18

# what tarfile, zipfile and their decompressors raise on damaged, encrypted or unsupported archives
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)

Item = TypeVar("Item")


class Member(NamedTuple):
    name: str
    size: int
    is_file: bool
    is_folder: bool
    open: Callable[[], IO[bytes]]


def is_archive(name: str) -> bool:
    """Whether a file of this name is an archive of several files (a single compressed file is not)."""
    return name.endswith(SUFFIXES)


def unpack(archive: Path, destination: Path, protected: Collection[str] = ()) -> None:
    """Unpack `archive` into the folder `destination`, over files of the same names but not over `protected` ones.

    Raises:
        UserError: a member is unsafe, or the archive is damaged or unpacks to more than `MAX_EXPANSION` times its size.
        OSError: `destination` cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix=f".{archive.name}.", suffix=".partial", dir=destination) as folder:
        staging = Path(folder)
        _extract(archive, staging, protected)
        for file in sorted(path for path in staging.rglob("*") if path.is_file()):
            target = destination / file.relative_to(staging)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, target)


def _extract(archive: Path, folder: Path, protected: Collection[str]) -> None:
    remaining = max(ALWAYS_ALLOWED_BYTES, MAX_EXPANSION * archive.stat().st_size)
    for member in _reading(archive, _members(archive)):
        if fault := _fault(member, protected):
            raise UserError(f"{archive}: member {member.name!r} {fault}; get the archive from a source you trust")
        remaining -= member.size + HEADER_BYTES
        if remaining < 0:
            raise UserError(
                f"{archive}: unpacks to more than {MAX_EXPANSION} times its size at member {member.name!r}; "
                "get the archive from a source you trust"
            )
        target = folder / member.name
        if member.is_file:
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "wb") as file:
                for chunk in _reading(archive, _chunks(member)):
                    file.write(chunk)


def _fault(member: Member, protected: Collection[str]) -> str | None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\\" in member.name or "\0" in member.name:
        return "would leave its folder"
    if not (member.is_file or member.is_folder):
        return "is neither a file nor a folder"
    if member.is_file and not path.parts:
        return "has no name"
    if path.parts and path.parts[0] in protected:
        return "would overwrite a fetched file"
    return None


def _members(archive: Path) -> Iterator[Member]:
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive) as file:
            for info in file.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the writer was no Unix program
                is_folder = info.orig_filename.endswith("/")
                yield Member(
                    name=info.orig_filename,
                    size=info.file_size,
                    is_file=kind in (0, stat.S_IFREG) and not is_folder,
                    is_folder=kind in (0, stat.S_IFDIR) and is_folder,
                    open=lambda info=info: file.open(info),
                )
    else:
        with tarfile.open(archive) as file:
            for info in file:
                yield Member(info.name, info.size, info.isreg(), info.isdir(), lambda info=info: file.extractfile(info))


def _chunks(member: Member) -> Iterator[bytes]:
    with member.open() as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _reading(archive: Path, items: Iterator[Item]) -> Iterator[Item]:
    """The same items; what goes wrong in reading (and not in what the caller does with an item) is a UserError."""
    try:
        yield from items
    except DAMAGE as error:
        raise UserError(f"{archive}: cannot be unpacked: {error}; delete it and fetch it again") from error
