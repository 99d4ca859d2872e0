"""The page over HTTP: other programs get answers, and what is malformed or hostile gets one line."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from served import served
from typer.testing import CliRunner

from xmlcore.common.errors import UserError
from xmlcore.serving.command import app
from xmlcore.serving.page.answers import Answers, Limits
from xmlcore.serving.text_classifier import TextClassifier

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def address(classifier: TextClassifier) -> Iterator[str]:
    with served(Answers({"plain": classifier}, Limits(characters=1000, samples=50))) as found:
        yield found


def asked(address: str, name: str, *data: Any) -> tuple[str, Any]:
    """Ask as a program does, and return the kind of the last event with its content."""
    event = requests.post(f"{address}/gradio_api/call/{name}", json={"data": data}, timeout=10).json()["event_id"]
    told = requests.get(f"{address}/gradio_api/call/{name}/{event}", timeout=20).text.strip().splitlines()
    return told[-2].removeprefix("event: "), json.loads(told[-1].removeprefix("data: "))


def test_other_programs_ask_by_name(address: str) -> None:
    kind, (found,) = asked(address, "predict", "the corn harvest", 2)
    assert kind == "complete" and [label["name"] for label in found["plain"]][0] == "grain_prices"
    kind, (why,) = asked(address, "explain", "the corn harvest", "grain prices", "ig")
    assert kind == "complete" and why["plain"]["method"] == "ig"
    kind, (attack,) = asked(address, "attack", "the corn harvest", None, "positive", "gradient", 1, 0.7)
    assert kind == "complete" and attack["plain"]["goal"] == "positive"
    names = requests.get(f"{address}/gradio_api/info", timeout=5).json()["named_endpoints"]
    assert {*names} == {"/predict", "/explain", "/attack"}


def test_the_client_of_docs_use_md(address: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / "use.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(from gradio_client.*?)```", text, re.DOTALL)
    assert example
    *lines, call = example[1].replace("http://127.0.0.1:7860", address).strip().splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(lines).replace("Client(", "Client(verbose=False, src="), names)
    (found,) = eval(call, names).values()
    assert len(found) == 3 and {"name", "title", "probability"} == {*found[0]}


def test_a_mistake_is_one_escaped_line(address: str) -> None:
    for data in (["  ", 5], ["x" * 1001, 5], ["corn", "many"]):
        kind, told = asked(address, "predict", *data)
        assert kind == "error" and "Traceback" not in str(told)
    kind, told = asked(address, "explain", "corn", SCRIPT, "ig")
    assert kind == "error" and "none is called" in told["error"] and "<script>" not in told["error"]


def test_nothing_but_what_the_page_needs_is_there(address: str) -> None:
    for path in (
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/upload",
        "/gradio_api/proxy=http://example.com",
        "/gradio_api/stream/a/b/c/playlist.m3u8",
        "/gradio_api/component_server",
        "/docs",
        "/openapi.json",
        "/monitoring",
        "/login",
        "/static/../../etc/passwd",
        f"/{SCRIPT}",
    ):
        for method in ("GET", "POST", "PUT", "DELETE"):
            got = requests.request(method, address + path, timeout=5, data=b"x")
            assert got.status_code in (404, 405), (path, method, got.status_code)
            assert "<script>" not in got.text and len(got.text) < 100


def test_bodies_are_bounded_and_malformed_ones_get_a_line(address: str) -> None:
    place = f"{address}/gradio_api/call/predict"
    assert requests.post(place, data=b"x" * 100_000, timeout=5).status_code == 413
    assert requests.post(place, data=iter([b"x" * 20_000] * 5), timeout=5).status_code == 413  # in chunks
    for body in (b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 9000, b'{"a": 1e999}', b'{"a": "\\ud800"}'):
        got = requests.post(place, data=body, headers={"content-type": "application/json"}, timeout=5)
        assert (got.status_code, got.text) == (400, "that is no question; see /gradio_api/info\n"), body
    for body in (b'{"data": 5}', b'{"data": [[[[]]]]}', b'{"data": []}', b"{}"):
        got = requests.post(place, data=body, headers={"content-type": "application/json"}, timeout=5)
        assert "Traceback" not in got.text and 'File "' not in got.text, body


def test_it_answers_to_its_own_name_alone(address: str) -> None:
    assert requests.get(address, headers={"host": "evil.example"}, timeout=5).status_code == 421
    assert requests.get(address, headers={"host": "localhost:80"}, timeout=5).status_code == 200


def test_the_page_loads_nothing_from_elsewhere(address: str) -> None:
    got = requests.get(address, timeout=5)
    policy = got.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "http" not in policy
    assert 'src="http' not in got.text and 'rel="stylesheet" href="http' not in got.text and "fonts.g" not in got.text


def test_a_port_in_use_or_a_folder_without_a_model_is_one_line(folder: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = CliRunner().invoke(app, ["serve", str(folder), "--port", str(taken.getsockname()[1])])
    assert isinstance(done.exception, UserError) and "give another --port or --host" in str(done.exception)
    done = CliRunner().invoke(app, ["serve", str(folder), "--host", "a..b"])
    assert isinstance(done.exception, UserError) and "cannot listen at a..b" in str(done.exception)
    done = CliRunner().invoke(app, ["serve", str(tmp_path)])
    assert isinstance(done.exception, UserError) and "no model there" in str(done.exception)
