"""Unpack tar and zip archives that are not trusted: all members or none, and none outside the folder.

A corpus is files and folders, so links, devices and the like are refused outright: no member can redirect another.
"""

import bz2
import gzip
import lzma
import os
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from functools import partial
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, TypeVar

from xmlcore.common.errors import UserError
from xmlcore.common.printable import printable
from xmlcore.corpora.decompression import MAX_EXPANSION, Opener, allowed_bytes

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".zip")
COMPRESSORS: dict[bytes, Opener] = {  # by the first bytes, not the name
    b"\x1f\x8b": gzip.open,
    b"BZ": bz2.open,
    b"\xfd7": lzma.open,
}
NAME_BYTES, PATH_BYTES = 255, 1000  # what file systems take, with room for the path of the folder
HEADER_BYTES = 512  # added to the size of every member, so that a flood of empty ones counts too
CHUNK_BYTES = 1 << 18
MAX_READ_BYTES = 1 << 20

# what tarfile, zipfile and their decompressors raise on damaged, encrypted or unsupported archives
DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, ValueError, RuntimeError),
)

Item = TypeVar("Item")


class Member(NamedTuple):
    name: str
    size: int
    is_file: bool
    is_folder: bool
    open: Callable[[], IO[bytes]]


def is_archive(name: str) -> bool:
    """Return whether a file of this name is an archive of several files (a single compressed file is not)."""
    return name.endswith(SUFFIXES)


def unpack(archive: Path, destination: Path, protected: Collection[str] = ()) -> None:
    """Unpack `archive` into the folder `destination`, over files of the same names but not over `protected` ones.

    Raises:
        UserError: a member is unsafe or meets a folder where a file shall be, or the archive is damaged or unpacks to
            more than `MAX_EXPANSION` times its size.
        OSError: `destination` cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix=f".{archive.name}.", suffix=".partial", dir=destination) as folder:
        staging = Path(folder)
        _extract(archive, staging, protected)
        files = sorted(path.relative_to(staging) for path in staging.rglob("*") if path.is_file())
        for file in files:
            _require_place(archive, destination, file)
        for file in files:
            (destination / file).parent.mkdir(parents=True, exist_ok=True)
            os.replace(staging / file, destination / file)


def _require_place(archive: Path, destination: Path, file: Path) -> None:
    """Raise UserError where `destination` has a folder at the place of `file`, or a file at that of its folders."""
    blocking = [destination / each for each in file.parents if (destination / each).is_file()]
    blocking += [destination / file] if (destination / file).is_dir() else []
    if blocking:
        raise UserError(
            f"{archive}: {blocking[0]} is in the way of member {str(file)!r}: one is a file and the other a folder; "
            "remove it and fetch again"
        )


def _extract(archive: Path, folder: Path, protected: Collection[str]) -> None:
    remaining = allowed_bytes(archive)
    files: set[PurePosixPath] = set()
    folders: set[PurePosixPath] = set()
    for member in _reading(archive, _members(archive)):
        if fault := _fault(member, protected) or _clash(member, files, folders):
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
    if printable(member.name) != member.name or "\n" in member.name or "\t" in member.name:
        return "has a name with characters that cannot be seen"
    if len(os.fsencode(member.name)) > PATH_BYTES or any(len(os.fsencode(part)) > NAME_BYTES for part in path.parts):
        return "has too long a name"
    return None


def _clash(member: Member, files: set[PurePosixPath], folders: set[PurePosixPath]) -> str | None:
    """Return how `member` clashes with the earlier `files` and `folders`, or add it to these and return None."""
    path = PurePosixPath(member.name)
    if member.is_file and path in files:
        return "occurs twice"
    if path in (folders if member.is_file else files) or not files.isdisjoint(path.parents):
        return "is a file here and a folder there"
    folders.update(path.parents)
    (files if member.is_file else folders).add(path)
    return None


def _members(archive: Path) -> Iterator[Member]:
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive) as zipped:
            for entry in zipped.infolist():
                kind = stat.S_IFMT(entry.external_attr >> 16)  # 0 where the writer was no Unix program
                is_folder = entry.orig_filename.endswith("/")
                yield Member(
                    name=entry.orig_filename,
                    size=entry.file_size,
                    is_file=kind in (0, stat.S_IFREG) and not is_folder,
                    is_folder=kind in (0, stat.S_IFDIR) and is_folder,
                    open=partial(zipped.open, entry),
                )
    else:
        with open(archive, "rb") as packed:
            opener = COMPRESSORS.get(packed.read(2), open)
        with opener(archive, "rb") as stream, _open_tar(stream) as tar:
            for info in tar:
                yield Member(info.name, info.size, info.isreg(), info.isdir(), partial(_open_regular, tar, info))


def _open_tar(stream: BufferedIOBase) -> tarfile.TarFile:
    return tarfile.open(fileobj=_Sparing(stream), mode="r:")  # type: ignore[call-overload]  # typeshed wants `write` too


def _open_regular(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    opened = tar.extractfile(info)
    assert opened is not None, "only folders and the like have no content"
    return opened


class _Sparing:
    """A file that cannot be read in pieces of more than `MAX_READ_BYTES`: `tarfile` reads a long name as a whole."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        if size > MAX_READ_BYTES:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._file.read(size)


def _chunks(member: Member) -> Iterator[bytes]:
    with member.open() as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _reading(archive: Path, items: Iterator[Item]) -> Iterator[Item]:
    """Yield `items`; what goes wrong in reading them (and not in what the caller does with them) is a UserError."""
    try:
        yield from items
    except DAMAGE as error:
        raise UserError(f"{archive}: cannot be unpacked: {error}; delete it and fetch it again") from error
