"""What is let in to the page: requests for what it needs and nothing else, bounded in size and time."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

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


class Bounded:
    """An application that is asked for known paths alone, by one of the names `hosts`.

    Requests are of `most` bytes, and arrive within `seconds`. A page of another site that a browser shows cannot ask
    for this machine by a name of its own (DNS rebinding).
    """

    def __init__(self, application: Any, most: int, seconds: float, hosts: set[str] | None) -> None:
        self._application, self._most, self._seconds, self._hosts = application, most, seconds, hosts

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
            try:
                body = await asyncio.wait_for(_body(receive, self._most), self._seconds)
            except TimeoutError:
                await _refuse(send, 408, f"the question did not arrive within {self._seconds:g} seconds")
                return
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
        name = re.sub(r":\d*$", "", headers.get(b"host", b"").decode("latin-1"))
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
