"""The page behind a real server, on a free port of this machine."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from xmlcore.serving.page.answers import Answers
from xmlcore.serving.page.server import application


@contextmanager
def served(answers: Answers) -> Iterator[str]:
    """Serve in a thread, and yield the address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application(answers, "127.0.0.1"), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    answers.close()
    thread.join(10)
