import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from xmlcore.common import cli
from xmlcore.common.cli import LINE, as_line, progress_bar, run, track
from xmlcore.common.errors import UserError

MEND = "; run the stage that writes it, or all with `dvc repro`"


@pytest.fixture
def outcome(monkeypatch, capsys):
    """outcome(main, *arguments) -> exit code, stdout and stderr of `main` run as a stage."""

    def outcome(main, *arguments):
        monkeypatch.setattr(sys, "argv", ["stage.py", *arguments])
        with pytest.raises(SystemExit) as stop:
            run(main)
        return stop.value.code, *capsys.readouterr()

    return outcome


def test_success(outcome):
    def main(corpus: str) -> None:
        print(f"read {corpus}")

    assert outcome(main, "rcv1") == (0, "read rcv1\n", "")


def test_a_users_mistake_is_one_line(outcome):
    def main() -> None:
        raise UserError("train.tsv:3: not a record;\n  convert the corpus again")

    assert outcome(main) == (1, "", "error: train.tsv:3: not a record; convert the corpus again\n")


def test_a_missing_file_is_one_line(outcome, tmp_path):
    def main() -> None:
        (tmp_path / "absent.txt").read_text()

    assert outcome(main) == (1, "", f"error: {tmp_path}/absent.txt: No such file or directory{MEND}\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line(outcome):
    def main() -> None:
        Path("/dev/full").write_text("anything")

    assert outcome(main) == (1, "", "error: No space left on device; free some space and run again\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_met_by_numpy_is_one_line(outcome):
    def main() -> None:
        np.zeros(100_000).tofile("/dev/full")

    code, _, error = outcome(main)
    assert code == 1
    assert error.startswith("error: ") and error.endswith("free some space and run again\n")


def test_a_fault_of_the_program_is_not_hidden(monkeypatch):
    def main() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sys, "argv", ["stage.py"])
    with pytest.raises(ZeroDivisionError):
        run(main)


def test_a_missing_argument_is_named(outcome):
    def main(corpus: str) -> None: ...

    code, _, error = outcome(main)
    assert code == 2
    assert "corpus" in error.lower()


def test_long_work_without_a_terminal_tells_its_progress_line_by_line(capsys, monkeypatch):
    monkeypatch.setattr(cli, "LOG_SECONDS", 0)
    assert list(track([3, 1], "counting", total=2)) == [3, 1]
    assert list(track(iter([4]), "unknown")) == [4]
    monkeypatch.setenv("RANK", "1")
    assert list(track([3, 1], "another process", total=2)) == [3, 1]
    assert capsys.readouterr().err.splitlines() == ["counting: 1 of 2", "counting: 2 of 2", "unknown: 1"]


def test_progress_of_short_work_is_silent_without_a_terminal(capsys):
    assert list(track([3, 1, 2], "counting", total=3)) == [3, 1, 2]
    with progress_bar() as progress:
        progress.update(progress.add_task("counting", total=3), advance=1)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("rank", "silent"), [("0", False), ("1", True)])
def test_one_process_of_several_shows_progress(monkeypatch, rank, silent):
    monkeypatch.setattr(cli, "console", Console(stderr=True, force_terminal=True))
    monkeypatch.setenv("RANK", rank)
    assert progress_bar().disable is silent


def test_a_message_cannot_command_the_terminal_or_fill_it():
    hostile = "train.tsv:3: \x1b[2J\u202e" + 10**6 * "x" + "; convert the corpus again"
    line = as_line(hostile)
    assert line.startswith("train.tsv:3: \ufffd[2J\ufffdxx") and line.endswith("xx; convert the corpus again")
    assert len(line) <= LINE
