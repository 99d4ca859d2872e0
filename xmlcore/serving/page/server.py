"""The page behind a server of this machine, which never asks another one."""

import logging
import os
import socket
from ipaddress import ip_address
from pathlib import Path

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
from xmlcore.serving.page.bounded import Bounded

CONNECTIONS = 256  # at once; beyond, an answer is 503
SESSIONS = 256  # that are remembered; a request of a program is one
BYTES_A_CHARACTER, BYTES_BESIDES = 12, 20_000  # of a request's JSON: an escaped character, and all but the text


def serve(answers: Answers, host: str, port: int) -> None:
    """Answer at `host` and `port` until it is stopped. Raises `UserError` where the port cannot be had."""
    listening = _listen(host, port)
    console.print(f"http://{_in_address(host)}:{port}  (stop with Ctrl-C)", markup=False)
    config = uvicorn.Config(
        application(answers, host),
        log_level="error",
        access_log=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
    )
    try:
        _Server(config).run(sockets=[listening])
    finally:
        answers.close()


class _Server(uvicorn.Server):
    """Ends within moments, and without a word on the pages that are still open."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cut off who is connected still."""
        logging.getLogger("uvicorn.error").disabled = True
        await super().shutdown(sockets)


def application(answers: Answers, host: str) -> Bounded:
    """Return the page as an ASGI application."""
    page = lay_out(answers).queue(max_size=answers.limits.waiting, default_concurrency_limit=answers.limits.waiting)
    page.state_session_capacity = SESSIONS
    css = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    theme = gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    mounted = gradio.mount_gradio_app(
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
    return Bounded(mounted, most, answers.limits.seconds, own_names(host))


def own_names(host: str) -> set[str] | None:
    """Return the names by which a server at `host` is asked for, None where it is reached from other machines."""
    try:
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    return {"127.0.0.1", "localhost", "[::1]", _in_address(host)} if loopback else None


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family, backlog=CONNECTIONS)
    except (OSError, UnicodeError) as error:  # the latter for what is no name of a machine
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot listen at {host}, port {port}: {reason}; give another --port or --host") from None
    listening.setblocking(False)
    return listening
