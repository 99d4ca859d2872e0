"""One file over http(s) or from disk: retried, carried on where it broke off, checked, and in place only when whole.

`urllib` rather than pooch: it reads file:// and http:// with one opener, and pooch knows no file:// addresses.
"""

import hashlib
import http
import http.client
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from rich.progress import Progress, TaskID

from xmlcore.config.params import SourceFile

SCHEMES = ("http://", "https://", "file://")
TIMEOUT_SECONDS = 30.0  # for connecting, and for each read
RETRY_DELAYS = (0.5, 1.0, 2.0)  # seconds before the second, third and fourth attempt
CHUNK_BYTES = 1 << 18


class DownloadError(Exception):
    """Why a file could not be had. `transient`: another attempt may succeed."""

    def __init__(self, reason: str, transient: bool = False) -> None:
        super().__init__(reason)
        self.transient = transient


class WrongContentError(DownloadError):
    """A file that arrived, but is not the expected one."""


def download_file(url: str, path: Path, expected: SourceFile, progress: Progress) -> None:
    """Write the body of `url` (http, https or file) to `path`, replacing what is there.

    What has arrived lies in `partial_of(path)` until it is whole. Where `expected` can tell a whole file from another,
    it stays there when the download breaks off, and the next one goes on from there.

    Raises:
        WrongContentError: the body has not the expected size or sha256.
        DownloadError: the body cannot be had, after retries where these may help.
        OSError: `path` cannot be written.
    """
    partial = partial_of(path)
    task = progress.add_task(path.name, total=expected.bytes)
    try:
        for delay in (*RETRY_DELAYS, None):
            try:
                _append(url, partial, expected, progress, task)
                break
            except DownloadError as error:
                if delay is None or not error.transient:
                    raise
            time.sleep(delay)
        if fault := mismatch(partial, expected):
            raise WrongContentError(f"{_place(url)} {fault}")
        os.replace(partial, path)
    except BaseException as error:
        carries_on = expected.is_checked and not isinstance(error, WrongContentError | OSError)
        if partial.exists() and not (carries_on and partial.stat().st_size):
            partial.unlink()
        raise


def partial_of(path: Path) -> Path:
    """Return where what has arrived of the file `path` lies, a name that git and DVC ignore."""
    return path.with_name(f".{path.name}.partial")


def answer_of(url: str, expected: SourceFile) -> str | None:
    """Return what is wrong with `url` as the address of a file, by its head alone; None where it answers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=TIMEOUT_SECONDS) as response:
            length = response.headers.get("Content-Length")
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.reason}"
    except (OSError, http.client.HTTPException, ValueError, OverflowError) as error:
        return _reason(error)
    if expected.bytes and length and int(length) != expected.bytes:
        return f"has {length} bytes, not the expected {expected.bytes}"
    return None


def _append(url: str, partial: Path, expected: SourceFile, progress: Progress, task: TaskID) -> None:
    """Write the body of `url` to the end of `partial`, or all of it where there is no going on."""
    begun = partial.stat().st_size if expected.is_checked and partial.exists() else 0
    with open(partial, "ab") as file:
        for chunk in _body(url, begun, progress, task):
            if chunk is None:
                file.truncate(0)
                file.seek(0)
                continue
            if expected.bytes and file.tell() + len(chunk) > expected.bytes:
                raise WrongContentError(f"{_place(url)} has more than the expected {expected.bytes} bytes")
            file.write(chunk)


def mismatch(path: Path, expected: SourceFile) -> str | None:
    """Return how the file `path` differs from the size and sha256 expected of it (where known), or None."""
    size = path.stat().st_size
    if expected.bytes not in (None, size):
        return f"has {size} bytes, not the expected {expected.bytes}"
    if expected.sha256 is not None and (sha256 := sha256_of(path)) != expected.sha256:
        return f"has sha256 {sha256}, not the expected {expected.sha256}"
    return None


def sha256_of(path: Path) -> str:
    """Return the sha256 of the file `path` in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _body(url: str, begun: int, progress: Progress, task: TaskID) -> Iterator[bytes | None]:
    """Yield the body of `url` in chunks: what follows its first `begun` bytes, or None and then all of it.

    Whatever goes wrong, a body cut short included, is a `DownloadError`.
    """
    from_disk = url.startswith("file:")
    try:
        request = urllib.request.Request(url, headers={"Range": f"bytes={begun}-"} if begun and not from_disk else {})
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            if response.status != http.HTTPStatus.PARTIAL_CONTENT:
                begun = 0
                yield None
            length = int(response.headers.get("Content-Length", -1))
            progress.reset(task, total=begun + length if length >= 0 else None, completed=begun)
            received = 0
            while chunk := response.read(CHUNK_BYTES):
                received += len(chunk)
                progress.advance(task, len(chunk))
                yield chunk
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            yield None
        transient = error.code >= 500 or error.code in (408, 416, 429)
        raise DownloadError(f"{url}: {error.code} {error.reason}", transient) from error
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(f"cannot reach {_place(url)}: {_reason(error)}", transient=not from_disk) from error
    except (ValueError, OverflowError) as error:
        raise DownloadError(f"cannot reach {url}: {error}") from error
    if received < length:
        raise DownloadError(
            f"{_place(url)} broke off after {begun + received} of {begun + length} bytes", transient=True
        )


def _place(url: str) -> str:
    return urllib.request.url2pathname(urllib.parse.urlsplit(url).path) if url.startswith("file:") else url


def _reason(error: BaseException) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return getattr(cause, "strerror", None) or str(cause)
