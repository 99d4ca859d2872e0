import bz2
import gzip
from pathlib import Path

import pytest

from xmlcore.common.errors import UserError
from xmlcore.corpora.formats.source_files import find_file, find_parts, find_splits
from xmlcore.corpora.text_files import MAX_LINE_BYTES, numbered_lines


def test_lines_are_the_same_from_every_compression(tmp_path: Path) -> None:
    content = "\ufefffirst\r\nsecond\u2028still second\x0bstill\n\nfourth".encode()
    (tmp_path / "a.txt").write_bytes(content)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(content))
    (tmp_path / "a.txt.bz2").write_bytes(bz2.compress(content))
    expected = [(1, "first"), (2, "second\u2028still second\x0bstill"), (3, ""), (4, "fourth")]
    for name in ("a.txt", "a.txt.gz", "a.txt.bz2"):
        assert list(numbered_lines(tmp_path / name)) == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", r"a\.txt: the file is empty"),
        ("a.txt.gz", gzip.compress(b""), r"a\.txt\.gz: the file is empty"),
        ("a.txt", b"good\nbad \xff\n", r"a\.txt:2: not utf-8"),
        ("a.txt.gz", gzip.compress(b"line\n" * 9999, mtime=0)[:-9], r"a\.txt\.gz:\d+: truncated or damaged"),
        ("a.txt.gz", b"plain text", r"a\.txt\.gz:1: truncated or damaged"),
        ("a.txt.bz2", b"plain text", r"a\.txt\.bz2:1: truncated or damaged"),
        ("a.txt.bz2", b"BZh9", r"a\.txt\.bz2:1: truncated or damaged"),
        ("a.txt", b"line\n" + b"x" * (MAX_LINE_BYTES + 1), r"a\.txt:2: more than 16,777,216 bytes without a line end"),
        ("a.txt.gz", gzip.compress(b"x" * 10**8), r"a\.txt\.gz:1: more than 16,777,216 bytes without a line end"),
        ("a.txt.bz2", bz2.compress((b"x" * 99_999 + b"\n") * 1000), r"a\.txt\.bz2:672: unpacks to more than 100 times"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damaged_file_is_named_with_its_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        list(numbered_lines(tmp_path / name))


def test_missing_file_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file; run"):
        list(numbered_lines(tmp_path / "absent.tsv"))


def test_split_is_found_below_the_folder_past_names_and_hidden_files(tmp_path: Path) -> None:
    wanted = tmp_path / "Eurlex" / "eurlex_train.txt.gz"
    wanted.parent.mkdir()
    test = tmp_path / "eurlex_test.svm"
    for path in (wanted, test, tmp_path / "._eurlex_train.txt", tmp_path / "train_labels.txt", tmp_path / "train.zip"):
        path.touch()
    assert find_splits(tmp_path, (".txt", ".svm"), {}) == {"train": wanted, "test": test}


@pytest.mark.parametrize(
    "names",
    [
        ("latest_train.txt", "latest_test.txt"),
        ("mine_train.tsv", "mine_test.tsv.gz"),
        ("mine_Train.txt", "TEST.txt"),
        ("train2.txt", "mine-test-2.txt.bz2"),
    ],
)
def test_a_split_is_a_word_of_a_name(tmp_path: Path, names: tuple[str, str]) -> None:
    train, test = (tmp_path / name for name in names)
    for path in (train, test, tmp_path / "contest.txt", tmp_path / "mine_valid.txt"):
        path.touch()
    assert find_splits(tmp_path, (".txt", ".tsv"), {}) == {"train": train, "test": test}


def test_validation_documents_are_said_to_be_ignored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("train.txt", "test.txt", "mine_valid.txt", "train_dev.txt"):
        (tmp_path / name).touch()
    assert find_splits(tmp_path, (".txt",), {})["train"] == tmp_path / "train.txt"
    said = "".join(capsys.readouterr()).replace("\n", "")
    assert "mine_valid.txt: ignored" in said and "train_dev.txt: ignored" in said


def test_parameters_say_which_file_is_which(tmp_path: Path) -> None:
    for name in ("a.txt.gz", "b.txt", "c_test.txt", "d_test.txt"):
        (tmp_path / name).touch()
    named = {"train": "a.txt.gz", "test": "b.txt"}
    assert find_splits(tmp_path, (".txt",), named) == {split: tmp_path / name for split, name in named.items()}
    with pytest.raises(UserError, match=r"no train file: .* as mine_train\.txt; .*files\.train"):
        find_splits(tmp_path, (".txt", ".tsv"), {})
    with pytest.raises(UserError, match=r"several test files: c_test\.txt, d_test\.txt; .*files\.test"):
        find_splits(tmp_path, (".txt", ".tsv"), {"train": "b.txt"})


def test_parts_come_in_numerical_order(tmp_path: Path) -> None:
    for part in range(11):
        (tmp_path / f"pt{part}.dat").touch()
    assert [path.name for path in find_parts(tmp_path, "pt{}.dat")] == [f"pt{part}.dat" for part in range(11)]


def test_what_cannot_be_found_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent: no such folder"):
        find_file(tmp_path / "absent", "a.txt")
    with pytest.raises(UserError, match=r"no file a\.txt"):
        find_file(tmp_path, "a.txt")
    (tmp_path / "pt1.dat").touch()
    with pytest.raises(UserError, match=r"no file pt0\.dat"):
        find_parts(tmp_path, "pt{}.dat")
    (tmp_path / "pt1.dat.gz").touch()
    with pytest.raises(UserError, match=r"several files match pt1\.dat: pt1\.dat, pt1\.dat\.gz; keep one"):
        find_file(tmp_path, "pt1.dat")
