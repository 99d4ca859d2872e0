"""The commands of docs/use.md do what the page says."""

import csv
import json
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from news import LABELS, TEXTS
from typer.testing import CliRunner

from xmlcore.config.params import load_params
from xmlcore.serving.command import app

REPOSITORY = Path(__file__).parents[2]
BLOCK = re.search(r"```sh\n(.*?)```", (REPOSITORY / "docs" / "use.md").read_text(encoding="utf-8"), re.DOTALL)[1]
LINES = [line for line in BLOCK.splitlines() if line.startswith("xmlcore ")]
COMMANDS = [line for line in LINES if not line.startswith("xmlcore serve")]


def test_every_command_is_there() -> None:
    named = {"predict", "explain", "attack", "evaluate", "serve", "card"}
    assert {command.split()[1] for command in LINES} == named


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page(command: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("newsroom").symlink_to(folder)
    Path("texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    with Path("mine_test.csv").open("w", newline="") as file:
        rows = (
            [text, " ".join(labels).replace("grain prices", "grain_prices")]
            for text, labels in zip(TEXTS, LABELS, strict=True)
        )
        csv.writer(file).writerows([["text", "labels"], *rows])
    done = CliRunner().invoke(app, shlex.split(command)[1:])
    assert done.exit_code == 0, done.exception
    assert len(done.stdout) > 100


def test_the_page_is_served_until_it_is_stopped(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "newsroom").symlink_to(folder)
    (line,) = {*LINES} - {*COMMANDS}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("xmlcore")), *shlex.split(line)[1:], "--port", str(port)]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        assert f"http://127.0.0.1:{port}" in server.stderr.readline()
        assert requests.get(f"http://127.0.0.1:{port}", timeout=60).status_code == 200
        with requests.get(f"http://127.0.0.1:{port}/gradio_api/heartbeat/open", stream=True, timeout=60) as page:
            assert page.status_code == 200
            server.send_signal(signal.SIGINT)
            assert server.communicate(timeout=60)[1] == ""


def test_its_entry_of_a_corpus_can_be_appended_to_the_parameters(tmp_path: Path) -> None:
    entry = re.search(r"<<'END'\n(.*?)END\n", BLOCK, re.DOTALL)[1]
    (tmp_path / "params.yaml").write_text((REPOSITORY / "params.yaml").read_text(encoding="utf-8") + entry)
    assert load_params(tmp_path / "params.yaml").corpus_of("mine").convert.format == "named_fields"
