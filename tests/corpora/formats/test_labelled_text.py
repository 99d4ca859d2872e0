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


@pytest.mark.parametrize(
    ("test_file", "message"),
    [
        ({}, r"no file \*test\*\.txt"),
        ({"test.txt": ""}, r"test\.txt: the file is empty"),
        ({"test.txt": "no tab\n"}, r"test\.txt:1: not `labels<TAB>text`"),
        ({"test.txt": "a\tb\n\n"}, r"test\.txt:2: not `labels<TAB>text`"),
        ({"test.txt": "1\ta\tb\n2\tb\n"}, r"test\.txt:2: not `id<TAB>labels<TAB>text`"),
        ({"test.txt": "\ta\tb\n"}, r"test\.txt:1: a document without an id"),
        ({"test.txt": b"a\tb\na\t\xff\n"}, r"test\.txt:2: not utf-8"),
        ({"test.txt.gz": b"\x1f\x8b\x08\x00"}, r"test\.txt\.gz:1: truncated or damaged"),
        ({"test.txt": "a\tb\n", "test.txt.gz": "a\tb\n"}, r"several files match"),
    ],
)
def test_bad_input_is_one_clear_error(convert: Callable, test_file: dict[str, str | bytes], message: str) -> None:
    with pytest.raises(UserError, match=message):
        convert("labelled_text", {"train.txt": "a\tb\n", **test_file})
