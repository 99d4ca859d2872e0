"""Bring a corpus's official files into a folder: downloaded or mirrored, checked, unpacked, nothing twice."""

import shutil
import tempfile
import urllib.parse
from collections.abc import Collection, Mapping
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from xmlcore.common.cli import console
from xmlcore.common.errors import UserError
from xmlcore.common.files import atomic_directory
from xmlcore.config.params import Checkpoint, Fetch, SourceFile
from xmlcore.corpora.archives import is_archive, unpack
from xmlcore.corpora.download import (
    SCHEMES,
    DownloadError,
    WrongContentError,
    answer_of,
    download_file,
    mismatch,
    partial_of,
    sha256_of,
)


def fetch_files(corpus: str, files: Mapping[str, SourceFile], destination: Path, mirror: str | None) -> None:
    """Bring every file of `files` into `destination`, then unpack the tar and zip archives among them there.

    A file that is already there and whole is kept. Each file, and each archive's content, arrives completely or not
    at all. A mirror (a folder, or a file://, http:// or https:// base) is asked for `mirror/corpus/name`; without
    one the official addresses, `url`, are tried in order.

    Raises:
        UserError: a file cannot be had, is not the expected one, cannot be unpacked or cannot be written.
    """
    try:
        destination.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(destination, {partial_of(destination / name) for name in files if files[name].is_checked})
        with _byte_progress() as progress:
            for name, source in files.items():
                if not _is_whole(destination / name, source):
                    _fetch(corpus, name, source, destination / name, mirror, progress)
        for name in filter(is_archive, files):
            unpack(destination / name, destination, protected=files)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{corpus}: cannot write {destination}: {reason}; mend that and fetch again") from error


def describe_files(folder: Path) -> dict[str, SourceFile]:
    """Return the size and sha256 of every file in `folder`, by name: what `fetch_files` needs to mirror that folder."""
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: SourceFile(bytes=path.stat().st_size or None, sha256=sha256_of(path)) for path in paths}


def check_addresses(files: Mapping[str, SourceFile]) -> list[tuple[str, str, str | None]]:
    """Return for each address of `files` the file's name, the address, and what is wrong; None where it answers."""
    return [(name, url, answer_of(url, source)) for name, source in files.items() for url in source.urls]


def _fetch(corpus: str, name: str, source: SourceFile, path: Path, mirror: str | None, progress: Progress) -> None:
    """Download a file from the first of its addresses that has it, whole."""
    faults: list[DownloadError] = []
    for address in _addresses(corpus, name, source, path.parent, mirror):
        try:
            return download_file(address, path, source, progress)
        except DownloadError as error:
            faults.append(error)
    if any(isinstance(fault, WrongContentError) for fault in faults):
        mend = f"get a fresh copy, or correct the bytes and sha256 of {name} in params.yaml"
    elif mirror is None:
        mend = f"{_by_hand(corpus, name, source, path.parent)} (or correct the url of {name} in params.yaml)"
    else:
        mend = "put it there, or correct --mirror (XMLCORE_MIRROR)"
    raise UserError(f"{corpus}: {'; '.join(map(str, faults))}; {mend}") from faults[-1]


def _addresses(corpus: str, name: str, source: SourceFile, folder: Path, mirror: str | None) -> list[str]:
    if mirror is None:
        if not source.urls:
            raise UserError(f"{corpus}: {name} has no official address; {_by_hand(corpus, name, source, folder)}")
        addresses, setting = source.urls, f"the url of {name} in params.yaml"
    elif "://" in mirror:
        addresses = [f"{mirror.rstrip('/')}/{urllib.parse.quote(f'{corpus}/{name}')}"]
        setting = "--mirror (XMLCORE_MIRROR)"
    else:
        return [(Path(mirror).expanduser().resolve() / corpus / name).as_uri()]
    for address in addresses:
        if not address.startswith(SCHEMES):
            mend = f"give an http://, https:// or file:// address as {setting}"
            raise UserError(f"{corpus}: cannot read {address}; {mend}")
    return addresses


def _by_hand(corpus: str, name: str, source: SourceFile, folder: Path) -> str:
    size = f" ({source.bytes:,} bytes)" if source.bytes else ""
    return (
        f"download {name}{size} where there is a network and put it into {folder}, or put it at MIRROR/{corpus}/{name} "
        "and set XMLCORE_MIRROR=MIRROR"
    )


def _is_whole(path: Path, source: SourceFile) -> bool:
    return path.is_file() and mismatch(path, source) is None


def _remove_leftovers(folder: Path, begun: Collection[Path]) -> None:
    """Remove what a killed fetch left behind in `folder`, except the downloads that were `begun` and can go on."""
    for leftover in set(folder.glob(".*.partial")).difference(begun):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def _byte_progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def fetch(name: str, source: Fetch | Checkpoint, folder: Path, *, seed: int, mirror: str | None) -> None:
    """Bring what `source` describes into `folder`: files, those of a simulation, or a checkpoint.

    Raises:
        UserError: as `fetch_files` does; or there is no such checkpoint.
    """
    if isinstance(source, Checkpoint):
        _fetch_checkpoint(source, folder, seed)
    elif source.simulation is None:
        fetch_files(name, source.files, folder, mirror)
    else:
        from xmlcore.corpora.simulation.mirror import write_mirror

        with tempfile.TemporaryDirectory() as simulated:
            write_mirror(name, source.simulation, seed, Path(simulated))
            fetch_files(name, describe_files(Path(simulated, name)), folder, simulated)


def _fetch_checkpoint(source: Checkpoint, destination: Path, seed: int) -> None:
    from xmlcore.corpora.simulation.checkpoint import write_tiny_checkpoint
    from xmlcore.data.pretrained import save_checkpoint

    with atomic_directory(destination) as folder:
        if source.tiny is not None:
            write_tiny_checkpoint(source.tiny, seed, folder)
        elif source.hub is not None:
            save_checkpoint(source.hub, folder)
