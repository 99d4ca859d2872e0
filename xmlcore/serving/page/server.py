"""The page behind a server that lets in what the page needs and nothing else, and that never asks another machine."""

import json
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from xmlcore.common.cli import console
from xmlcore.common.errors import UserError
from xmlcore.serving.page.answers import Answers

# Gradio reads these where it is imported or a page is made.
os.environ |= {
    "GRADIO_ANALYTICS_ENABLED": "False",  # asks nobody for its newest version, and tells nobody
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",  # of a record of all requests that it keeps
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(2**62),  # requests, after which it sums them up
}

import gradio
import uvicorn
from fastapi import FastAPI

from xmlcore.serving.page.blocks import lay_out

CONNECTIONS = 256  # at once; beyond, an answer is 503
SESSIONS = 256  # that are remembered; a request of a program is one
BYTES_A_CHARACTER, BYTES_BESIDES = 12, 20_000  # of a request's JSON: an escaped character, and all but the text
LOOPBACK = {"127.0.0.1", "localhost", "::1", "[::1]"}
PATHS = (  # of gradio that the page and programs need: no upload, no files, no proxy
    "/assets/",
    "/static/",
    "/gradio_api/queue/",
    "/gradio_api/call/",
    "/gradio_api/heartbeat/",
)
PAGES = {"/", "/config", "/theme.css", "/favicon.ico", "/manifest.json", "/gradio_api/info"}
HEADERS = {
    b"content-security-policy": b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    b"style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
    b"object-src 'none'; form-action 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def serve(answers: Answers, host: str, port: int) -> None:
    """Answer at `host` and `port` until it is stopped. Raises `UserError` where the port cannot be had."""
    listening = _listen(host, port)
    console.print(f"http://{host}:{port}  (stop with Ctrl-C)")
    config = uvicorn.Config(
        bounded(answers, host), log_level="error", access_log=False, limit_concurrency=CONNECTIONS, timeout_keep_alive=5
    )
    uvicorn.Server(config).run(sockets=[listening])


def bounded(answers: Answers, host: str) -> "Bounded":
    """Return the page as an ASGI application."""
    page = lay_out(answers).queue(max_size=answers.limits.waiting, default_concurrency_limit=answers.limits.waiting)
    page.state_session_capacity = SESSIONS
    css = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    theme = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    application = gradio.mount_gradio_app(
        FastAPI(openapi_url=None),
        page,
        path="/",
        theme=theme,
        css=css,
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        enable_monitoring=False,
        mcp_server=False,
    )
    most = answers.limits.characters * BYTES_A_CHARACTER + BYTES_BESIDES
    return Bounded(application, most, LOOPBACK if host in LOOPBACK else None)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family, backlog=CONNECTIONS)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot listen at {host}, port {port}: {reason}; give another --port") from None
    listening.setblocking(False)
    return listening


class Bounded:
    """An application that is asked for known paths alone, in requests of `most` bytes, by one of the names `hosts`.

    A page of another site that a browser shows cannot ask for this machine by a name of its own (DNS rebinding).
    """

    def __init__(self, application: Any, most: int, hosts: set[str] | None) -> None:
        self._application, self._most, self._hosts = application, most, hosts

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._application(scope, receive, send)
            return
        headers = dict(scope["headers"])
        refusal = self._refusal(scope, headers)
        if refusal:
            await _refuse(send, *refusal)
            return
        body: bytes | None = None
        if scope["method"] == "POST":
            body = await _body(receive, self._most)
            if body is None:
                await _refuse(send, 413, "too much is asked at once; shorten the text")
                return
            if not _is_object(body):
                await _refuse(send, 400, "that is no question; see /gradio_api/info")
                return

        async def again() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            sent, body = body, None
            return {"type": "http.request", "body": sent, "more_body": False}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message["headers"] if pair[0].lower() not in HEADERS]
                message["headers"] = [*kept, *HEADERS.items()]
            await send(message)

        await self._application(scope, again, guarded)

    def _refusal(self, scope: Message, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "no such method"
        name = headers.get(b"host", b"").decode("latin-1").rsplit(":", 1)[0]
        if self._hosts is not None and name not in self._hosts:
            return 421, "asked for by a name that is not this machine's own"
        path = scope["path"]
        if path not in PAGES and (not path.startswith(PATHS) or ".." in path):
            return 404, "nothing there"
        return None


async def _body(receive: Receive, most: int) -> bytes | None:
    """Return the body of a request, None if it is longer than `most` bytes."""
    parts, length = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        parts.append(part)
        length += len(part)
        if length > most:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _is_object(body: bytes) -> bool:
    """Return whether `body` is a JSON object without NaN, infinity or half a character, which no JSON can answer."""
    try:
        found = json.loads(body)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict)


async def _refuse(send: Send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": (reason + "\n").encode()})
