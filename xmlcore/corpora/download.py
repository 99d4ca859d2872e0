"""One file over http(s) or from disk: retried, checked, and in place only when whole.

`urllib` rather than pooch: it reads file:// and http:// with one opener, and pooch knows no file:// addresses.
"""

import hashlib
import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from rich.progress import Progress, TaskID

from xmlcore.common.files import atomic_file
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

    Raises:
        WrongContentError: the body has not the expected size or sha256.
        DownloadError: the body cannot be had, after retries where these may help.
        OSError: `path` cannot be written.
    """
    task = progress.add_task(path.name, total=expected.bytes)
    for delay in (*RETRY_DELAYS, None):
        try:
            with atomic_file(path) as partial:
                with open(partial, "wb") as file:
                    for chunk in _body(url, progress, task):
                        if expected.bytes and file.tell() + len(chunk) > expected.bytes:
                            raise WrongContentError(f"{_place(url)} has more than the expected {expected.bytes} bytes")
                        file.write(chunk)
                if fault := mismatch(partial, expected):
                    raise WrongContentError(f"{_place(url)} {fault}")
            return
        except DownloadError as error:
            if delay is None or not error.transient:
                raise
        time.sleep(delay)


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


def _body(url: str, progress: Progress, task: TaskID) -> Iterator[bytes]:
    """Yield the body of `url` in chunks; whatever goes wrong, a body cut short included, is a DownloadError."""
    from_disk = url.startswith("file:")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
            length = int(response.headers.get("Content-Length", -1))
            progress.reset(task, total=length if length >= 0 else None)
            received = 0
            while chunk := response.read(CHUNK_BYTES):
                received += len(chunk)
                progress.advance(task, len(chunk))
                yield chunk
    except urllib.error.HTTPError as error:
        transient = error.code >= 500 or error.code in (408, 429)
        raise DownloadError(f"{url}: {error.code} {error.reason}", transient) from error
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(f"cannot reach {_place(url)}: {_reason(error)}", transient=not from_disk) from error
    except (ValueError, OverflowError) as error:
        raise DownloadError(f"cannot reach {url}: {error}") from error
    if received < length:
        raise DownloadError(f"{_place(url)} broke off after {received} of {length} bytes", transient=True)


def _place(url: str) -> str:
    return urllib.request.url2pathname(urllib.parse.urlsplit(url).path) if url.startswith("file:") else url


def _reason(error: BaseException) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return getattr(cause, "strerror", None) or str(cause)
