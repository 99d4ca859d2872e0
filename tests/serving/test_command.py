import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from news import GRAIN, LABELS, TEXTS
from typer.testing import CliRunner

from xmlcore.common.errors import UserError
from xmlcore.serving.command import app

CORN = "the corn and wheat harvest"


def run(*arguments: object, text: str | None = None, fails: bool = False) -> str:
    """What the command prints; with `fails` the one line of its error."""
    done = CliRunner().invoke(app, [str(each) for each in arguments], input=text)
    if fails:
        assert isinstance(done.exception, UserError), done.exception
        return str(done.exception)
    assert done.exit_code == 0, done.output
    return done.stdout


def rows(output: str) -> list[dict]:
    return [json.loads(line) for line in output.splitlines()]


def test_the_installed_command_has_help_at_once() -> None:
    command = str(Path(sys.executable).with_name("xmlcore"))
    began = time.perf_counter()
    done = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    assert time.perf_counter() - began < 5  # under one where nothing else runs
    assert all(name in done.stdout for name in ("predict", "explain", "attack", "evaluate", "serve", "card"))
    code = "import sys, xmlcore.serving.command; print({'torch', 'sklearn', 'transformers'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_a_mistake_is_one_line_and_an_exit_code(tmp_path: Path) -> None:
    command = str(Path(sys.executable).with_name("xmlcore"))
    done = subprocess.run([command, "predict", str(tmp_path), "text"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_the_page_without_gradio_names_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "xmlcore.serving.page.server", raising=False)
    assert "pip install 'xmlcore[serve]'" in run("serve", folder, fails=True)


def test_a_text_a_pipe_and_a_file_say_the_same(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text(CORN + "\n")
    first = run("predict", folder, CORN)
    assert run("predict", folder, text=CORN + "\n") == first
    assert run("predict", folder, "--file", tmp_path / "one.txt") == first
    assert run("predict", folder, "--file", "-", text=CORN + "\n") == first
    assert rows(first)[0]["labels"][0] == {"name": "grain_prices", "title": GRAIN} | {
        "probability": rows(first)[0]["labels"][0]["probability"]
    }


def test_tables_with_named_columns_in_every_format(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"id": f"d{i}", "body": CORN}) + "\n" for i in range(3)))
    (tmp_path / "a.csv").write_text("id,body\n" + "".join(f'd{i},"{CORN}"\n' for i in range(3)))
    (tmp_path / "a.tsv").write_text("id\tbody\n" + "".join(f"d{i}\t{CORN}\n" for i in range(3)))
    found = [
        run("predict", folder, "--file", tmp_path / name, "--text-column", "body")
        for name in ("a.jsonl", "a.csv", "a.tsv")
    ]
    assert len({*found}) == 1
    assert [row["id"] for row in rows(found[0])] == ["d0", "d1", "d2"]


def test_output_in_every_format(folder: Path) -> None:
    assert "grain prices" in run("predict", folder, CORN, "--format", "table")
    table = [*csv.reader(run("predict", folder, CORN, "--format", "csv", "--top", 2).splitlines())]
    assert table[0] == ["id", "name", "title", "probability"]
    assert len(table) == 3


def test_labels_and_thresholds(folder: Path) -> None:
    (row,) = rows(run("predict", folder, CORN, "--labels", f"ship,{GRAIN}"))
    assert [label["name"] for label in row["labels"]] == ["grain_prices", "ship"]
    (row,) = rows(run("predict", folder, CORN, "--threshold", "micro_f1"))
    assert len(row["labels"]) == 1
    assert rows(run("predict", folder, CORN, "--threshold", "1.1"))[0]["labels"] == []
    assert "was not fitted" in run("predict", folder, CORN, "--threshold", "best", fails=True)


def test_a_bad_line_stops_or_is_left_out(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "corn"}\n{"text": 5}\nnot json\n{"text": "wheat"}\n')
    assert "a.jsonl:2: no object with a string 'text'" in run("predict", folder, "--file", path, fails=True)
    assert len(rows(run("predict", folder, "--file", path, "--on-error", "skip"))) == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "body\ncorn\n", "a.csv:1: no column 'text' among body"),
        ("a.csv", "id,text\nd1\n", "a.csv:2: 1 fields where the header has 2"),
        ("a.csv", "", "the file is empty"),
        ("a.txt", None, "no such file"),
    ],
)
def test_files_that_cannot_be_read_are_named(folder: Path, tmp_path: Path, name, content, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    assert message in run("predict", folder, "--file", tmp_path / name, fails=True)


def test_an_explanation_and_its_page(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    hostile = "corn <script>alert(1)</script> harvest"
    found = rows(run("explain", folder, hostile, "--labels", 2, "--samples", 100, "--words", 3, "--html", page))
    assert len(found) == 2
    assert all(len(row["words"]) <= 3 for row in found)
    assert "<script>alert" not in page.read_text()
    for method in ("shap", "ig"):
        assert rows(run("explain", folder, CORN, "--method", method, "--label", GRAIN, "--samples", 50, "--html", page))


def test_an_attack(folder: Path) -> None:
    (row,) = rows(run("attack", folder, CORN, "--k", 1, "--max-change", 0.9))
    assert row["success"]
    assert row["labels_after"][0]["name"] != "grain_prices"
    shown = run("attack", folder, CORN, "--k", 1, "--max-change", 0.9, "--format", "table")
    assert all(word in shown for word in ("words changed", "->", "text after"))
    assert "not both" in run("attack", folder, CORN, "--file", "x.txt", fails=True)


def test_evaluation_of_labelled_texts(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    names = {GRAIN: "grain_prices"}
    lines = [
        {"text": text, "labels": [names.get(each, each) for each in of_text]}
        for text, of_text in zip(TEXTS, LABELS, strict=True)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in [*lines, {"text": "corn", "labels": ["new"]}]))
    (figures,) = rows(run("evaluate", folder, path))
    assert (figures["documents"], figures["unknown_labels"]) == (49, 1)
    assert figures["P@1"] == pytest.approx(48 / 49)
    path.write_text('{"text": "corn", "labels": ["new"]}\n')
    assert "no text has a label that the model knows" in run("evaluate", folder, path, fails=True)
    path.write_text('{"text": "corn"}\n')
    assert "--labels-column" in run("evaluate", folder, path, fails=True)


def test_the_card(folder: Path) -> None:
    assert "pipeline_tag: text-classification" in run("card", folder)


def test_a_reader_that_leaves_ends_it_quietly(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "many.txt"
    path.write_text("corn\n" * 3000)
    command = f"{Path(sys.executable).with_name('xmlcore')} predict {folder} --file {path} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=os.environ)
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr
