"""What is let in to the page is bounded, whatever is behind it."""

import asyncio
from typing import Any

import pytest

from xmlcore.serving.page.bounded import Bounded
from xmlcore.serving.page.server import own_names


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-security-policy", b"none")]})
    await send({"type": "http.response.body", "body": body})


def answered(*parts: bytes, pause: float = 0.0, host: bytes = b"localhost:80", hosts: Any = None) -> tuple[int, bytes]:
    """Post a question that arrives in `parts` with a `pause` before each; return status and body of the answer."""
    coming, sent = list(parts), []

    async def receive() -> Any:
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": coming.pop(0), "more_body": bool(coming)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/gradio_api/call/predict", "headers": [(b"host", host)]}
    asyncio.run(Bounded(_echo, 100, 0.1, hosts)(scope, receive, send))
    policies = [value for name, value in sent[0]["headers"] if name == b"content-security-policy"]
    assert len(policies) == 1 and b"default-src 'self'" in policies[0]
    return sent[0]["status"], sent[1]["body"]


def test_a_question_in_parts_arrives_whole() -> None:
    assert answered(b'{"data"', b": []}") == (200, b'{"data": []}')


def test_a_question_that_does_not_arrive_is_not_waited_for() -> None:
    status, told = answered(*[b" "] * 50, pause=0.03)
    assert status == 408 and told == b"the question did not arrive within 0.1 seconds\n"


def test_a_question_that_is_too_long_is_refused_before_its_end() -> None:
    assert answered(b" " * 60, b" " * 60, b"{}")[0] == 413


@pytest.mark.parametrize(
    ("listens", "asked", "let_in"),
    [
        ("127.0.0.1", b"localhost:7860", True),
        ("127.0.0.2", b"127.0.0.2:7860", True),
        ("::1", b"[::1]:7860", True),
        ("::1", b"[::1]", True),
        ("localhost", b"evil.example", False),
        ("127.0.0.2", b"evil.example:7860", False),
        ("127.0.0.1", b"localhost:7860.evil.example", False),
        ("0.0.0.0", b"classifier.example", True),
    ],
)
def test_a_loopback_address_answers_to_its_own_names_alone(listens: str, asked: bytes, let_in: bool) -> None:
    status, _ = answered(b"{}", host=asked, hosts=own_names(listens))
    assert status == (200 if let_in else 421)
