from collections.abc import Callable

import pytest

from xmlcore.common.errors import UserError
from xmlcore.corpora.records import Record

FILES = {"tiny_raw_texts_train.txt.bz2": "4 17\tOne text\n\tno\tlabel\n", "tiny_raw_texts_test.txt.gz": "17\t\n"}


def test_documents_are_numbered_by_split(convert: Callable) -> None:
    assert convert("labelled_text", FILES | {"tiny_train_labels.txt": "a\nb\n"}) == {
        "train": [Record("train-1", ("4", "17"), "One text"), Record("train-2", (), "no label")],
        "test": [Record("test-1", ("17",), "")],
    }


def test_an_id_column_is_kept(convert: Callable) -> None:
    files = {"rcv1_topics_train.txt": "2286\tE11 ECAT\trecov\n2287\tC24\turuguay\n", "rcv1_topics_test.txt": "3\t\tx\n"}
    assert convert("labelled_text", files) == {
        "train": [Record("2286", ("E11", "ECAT"), "recov"), Record("2287", ("C24",), "uruguay")],
        "test": [Record("3", (), "x")],
    }


def test_columns_and_separators_are_options(convert: Callable) -> None:
    line = "x\tNew\u00a0York; a\u0301 b;\tTitle\tbody\tmore\n"
    options = {"columns": ["ignored", "labels", "text", "text"], "label_separator": ";"}
    found = convert("labelled_text", {"train.tsv": line, "test.tsv": line}, **options)
    assert found["train"] == [Record("train-1", ("New_York", "\u00e1_b"), "Title body more")]


def test_a_no_break_space_is_part_of_a_label(convert: Callable) -> None:
    found = convert("labelled_text", {"train.txt": "New\u00a0York b\ttext\n", "test.txt": "b\tx\n"})
    assert found["train"] == [Record("train-1", ("New_York", "b"), "text")]


@pytest.mark.parametrize(
    ("test_file", "message"),
    [
        ({}, r"no test file: its name has the word test"),
        ({"test.txt": ""}, r"test\.txt: the file is empty"),
        ({"test.txt": "no tab\n"}, r"test\.txt:1: not `labels<TAB>text`"),
        ({"test.txt": "a\tb\n\n"}, r"test\.txt:2: not `labels<TAB>text`"),
        ({"test.txt": "1\ta\tb\n2\tb\n"}, r"test\.txt:2: not `id<TAB>labels<TAB>text`"),
        ({"test.txt": "\ta\tb\n"}, r"test\.txt:1: a document without an id"),
        (
            {"test.txt": "7\ta\tb\n7\tb\tc\n"},
            r"test\.txt:2: the id '7' is that of line 1, too; .* \[labels, text, text\]",
        ),
        ({"test.txt": b"a\tb\na\t\xff\n"}, r"test\.txt:2: not utf-8"),
        ({"test.txt.gz": b"\x1f\x8b\x08\x00"}, r"test\.txt\.gz:1: truncated or damaged"),
        ({"test.txt": "a\tb\n", "test.txt.gz": "a\tb\n"}, r"several test files: test\.txt, test\.txt\.gz"),
    ],
)
def test_bad_input_is_one_clear_error(convert: Callable, test_file: dict[str, str | bytes], message: str) -> None:
    with pytest.raises(UserError, match=message):
        convert("labelled_text", {"train.txt": "a\tb\n", **test_file})
