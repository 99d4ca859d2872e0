"""A server that answers anything at all, and a download from it."""

import socket
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from xmlcore.common.errors import UserError
from xmlcore.config.params import SourceFile
from xmlcore.corpora.fetching import fetch_files


class Answering:
    """Sends the bytes of `answer` to whoever asks for anything, and hangs up."""

    def __init__(self) -> None:
        self.answer = b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}/file"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                try:
                    connection.recv(65536)
                    connection.sendall(self.answer)
                except OSError:  # who asked has hung up
                    continue


@cache
def server() -> Answering:
    return Answering()


def only_here(look_up: Callable[..., Any]) -> Callable[..., Any]:
    """`look_up`, of this machine alone: a damaged address may be anyone's."""

    def of(host: Any, *others: Any, **options: Any) -> Any:
        if host not in ("127.0.0.1", "localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *others, **options)

    return of


def fetched(folder: Path) -> None:
    """Fetch what a server sends, the file `answer`, or from the file `address`: it comes whole or not at all."""
    answering = server()
    if (folder / "answer").exists():
        answering.answer = (folder / "answer").read_bytes()
        url = answering.address
    else:
        url = (folder / "address").read_bytes().decode("utf-8", "replace")
    raw = folder / "raw"
    try:
        with (
            patch.dict("os.environ", no_proxy="*"),
            patch("socket.getaddrinfo", only_here(socket.getaddrinfo)),
            patch("socket.gethostbyname", only_here(socket.gethostbyname)),
            patch("xmlcore.corpora.download.RETRY_DELAYS", ()),
        ):
            fetch_files("corpus", {"file": SourceFile(url=url)}, raw, None)
        assert [path.name for path in raw.iterdir()] == ["file"]
        (raw / "file").unlink()
    except UserError as error:
        assert list(raw.iterdir()) == [], "a fetch that failed has left something"
        raise UserError(f"{folder}: {error}") from error  # it names the address, not the folder
