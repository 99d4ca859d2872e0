import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from xmlcore.common.files import atomic_directory, atomic_file, write_json


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.txt"
    path.write_text("old")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old.txt").write_text("old")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_when_the_block_ends(file):
    with atomic_file(file) as temporary:
        temporary.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert names(file.parent) == ["file.txt"]


def test_who_reads_the_old_file_reads_it_to_its_end(file):
    with file.open() as reader:
        with atomic_file(file) as temporary:
            temporary.write_text("new")
        assert reader.read() == "old"


def test_a_failure_leaves_the_old_file_and_nothing_else(file):
    with pytest.raises(ZeroDivisionError), atomic_file(file) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert file.read_text() == "old"
    assert names(file.parent) == ["file.txt"]


def test_parents_of_a_file_are_made(tmp_path):
    with atomic_file(tmp_path / "a" / "b" / "file.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "a" / "b" / "file.txt").read_text() == "new"


def test_a_folder_is_replaced_as_a_whole(folder):
    with atomic_directory(folder) as temporary:
        (temporary / "new.txt").write_text("new")
        assert names(folder) == ["old.txt"]
    assert names(folder) == ["new.txt"]
    assert names(folder.parent) == ["folder"]
    assert folder.stat().st_mode & 0o777 == 0o755


def test_a_failure_leaves_the_old_folder_and_nothing_else(folder):
    with pytest.raises(ZeroDivisionError), atomic_directory(folder) as temporary:
        (temporary / "half.txt").write_text("half")
        raise ZeroDivisionError
    assert names(folder) == ["old.txt"]
    assert names(folder.parent) == ["folder"]


def test_parents_of_a_folder_are_made(tmp_path):
    with atomic_directory(tmp_path / "a" / "b") as temporary:
        (temporary / "new.txt").write_text("new")
    assert names(tmp_path / "a" / "b") == ["new.txt"]


KILLED = """
import os, signal, sys
from pathlib import Path
from xmlcore.common.files import atomic_directory, atomic_file

with atomic_file(Path(sys.argv[1])) as half, atomic_directory(Path(sys.argv[2])) as folder:
    half.write_text("half")
    (folder / "half.txt").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_what_was_there(file, folder):
    done = subprocess.run([sys.executable, "-c", KILLED, str(file), str(folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert file.read_text() == "old"
    assert names(folder) == ["old.txt"]


def test_what_a_killed_process_left_does_not_hinder_the_next(file, folder):
    subprocess.run([sys.executable, "-c", KILLED, str(file), str(folder)], check=False)
    assert len(names(file.parent)) == 4
    with atomic_file(file) as temporary, atomic_directory(folder) as new:
        temporary.write_text("new")
        (new / "new.txt").write_text("new")
    assert file.read_text() == "new"
    assert names(folder) == ["new.txt"]
    assert names(file.parent) == ["file.txt", "folder"]


def test_what_another_process_is_writing_is_left_alone(file, folder):
    theirs = file.with_name(f".folder.{os.getppid()}.partial"), file.with_name(".folder.txt.1.partial")
    for each in theirs:
        each.write_text("theirs")
    with atomic_directory(folder):
        pass
    assert all(each.exists() for each in theirs)


KILLED_WHILE_REMOVING = """
import os, shutil, signal, sys
from pathlib import Path
from xmlcore.common import files

def remove_half(path):
    next(Path(path).iterdir()).unlink()
    os.kill(os.getpid(), signal.SIGKILL)

shutil.rmtree = remove_half
with files.atomic_directory(Path(sys.argv[1])) as folder:
    (folder / "new.txt").write_text("new")
"""


def test_killed_while_it_removes_the_old_folder_the_new_one_is_there(folder):
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_REMOVING, str(folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert names(folder) == ["new.txt"]
    with atomic_directory(folder):
        pass
    assert names(folder.parent) == ["folder"]


def test_json_is_written_whole_or_not_at_all(file):
    write_json(file, {"P@1": 0.5})
    assert file.read_text() == '{\n  "P@1": 0.5\n}\n'
    with pytest.raises(ValueError):
        write_json(file, {"P@1": math.nan})
    assert file.read_text() == '{\n  "P@1": 0.5\n}\n'
    assert names(file.parent) == ["file.txt"]
