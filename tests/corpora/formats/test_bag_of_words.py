import math
from collections.abc import Callable

import pytest

from xmlcore.common.errors import UserError
from xmlcore.corpora.records import Record

FILES = {
    "tiny_train.txt.gz": "3 4 3\n0,2 0:0.5 2:1.5 3:0.5\n 1:1\n1 \n",
    "tiny_test.txt": "1 4 3\n2 0:1 1:2 2:0 3:4\n",
}
NAMES = {"tiny_features.txt": "oil\noil\n\noil_2\n", "tiny_labels.txt": "crude\ntwo words\n7\n"}
BINARY = {
    "svm_train.svm.bz2": "3,5 1:1 2:1 3:1\n 1:1 3:1\n7 1:1\n",
    "svm_test.svm": "5 1:1 2:1 3:1 4:1\n",
}


def test_features_come_by_descending_weight_then_index(convert: Callable) -> None:
    assert convert("bag_of_words", FILES) == {
        "train": [
            Record("train-1", ("0", "2"), "f2 f0 f3"),
            Record("train-2", (), "f1"),
            Record("train-3", ("1",), ""),
        ],
        "test": [Record("test-1", ("2",), "f3 f1 f0")],
    }


def test_max_features_keeps_the_heaviest(convert: Callable) -> None:
    assert convert("bag_of_words", FILES, max_features=2)["test"][0].text == "f3 f1"


def test_libsvm_counts_features_from_one(convert: Callable) -> None:
    converted = convert("bag_of_words", BINARY)
    assert converted["train"][0] == Record("train-1", ("3", "5"), "f0 f1 f2")
    assert converted["test"] == [Record("test-1", ("5",), "f0 f1 f2 f3")]


def test_idf_order_puts_rare_training_features_first(convert: Callable) -> None:
    converted = convert("bag_of_words", BINARY, order="idf")
    assert converted["train"][0].text == "f1 f2 f0"
    assert converted["test"][0].text == "f3 f1 f2 f0"


def test_idf_multiplies_the_weight(convert: Callable) -> None:
    def test_text(weight: float) -> str:
        files = {"train.txt": "2 2 1\n0 0:1 1:1\n0 0:1\n", "test.txt": f"1 2 1\n0 0:{weight:.6f} 1:1\n"}
        return convert("bag_of_words", files, order="idf")["test"][0].text

    ratio = math.log(3 / 2) + 1  # idf of feature 1, in one of two documents; that of feature 0 is 1
    assert (test_text(ratio - 0.001), test_text(ratio + 0.001)) == ("f1 f0", "f0 f1")


def test_names_replace_indices_where_they_are_distinct_words(convert: Callable) -> None:
    converted = convert("bag_of_words", FILES | NAMES)
    assert converted["train"][0] == Record("train-1", ("crude", "7"), "f2 oil oil_2_2")
    assert converted["train"][1].text == "oil_2"
    assert converted["train"][2].labels == ("two_words",)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"tiny_train.txt.gz": None}, r"no train file: .* ends in \.txt or \.svm .* as mine_train\.txt"),
        ({"tiny_test.txt": None}, r"no test file: "),
        ({"other_test.txt": "1 4 3\n0 0:1\n"}, r"several test files: other_test\.txt, tiny_test\.txt"),
        ({"tiny_test.txt": ""}, r"tiny_test\.txt: the file is empty"),
        ({"tiny_test.txt": "0 4 3\n"}, r"tiny_test\.txt: no document in it"),
        ({"tiny_test.txt": "2 4 3\n0 0:1\n"}, r"tiny_test\.txt:1: 2 documents promised, 1 in the file"),
        ({"tiny_test.txt": "1 4 3\n0 0:1\n\n"}, r"tiny_test\.txt:1: 1 documents promised, 2 in the file"),
        ({"tiny_test.txt": "1 5 3\n0 0:1\n"}, r"tiny_test\.txt:1: other features and labels than tiny_train"),
        ({"tiny_test.txt": "0 0:1\n"}, r"tiny_test\.txt:1: other features and labels than tiny_train"),
        (
            {"tiny_test.txt": "1 4 3\n0 4:1\n"},
            r"tiny_test\.txt:2: feature 4, but the header promises 4, .* remove it where they count from 1",
        ),
        ({"tiny_test.txt": "1 4 3\n3 0:1\n"}, r"tiny_test\.txt:2: label 3, but the header promises 3, counted from 0"),
        ({"tiny_test.txt": "1 4 3\n-1 0:1\n"}, r"tiny_test\.txt:2: label -1, but labels count from 0"),
        ({"tiny_test.txt": "1 4 3\n0 -1:1\n"}, r"tiny_test\.txt:2: feature -1, but they count from 0"),
        ({"tiny_test.txt": "1 4 3\n0 0:x\n"}, r"tiny_test\.txt:2: .*'x'.*; a row is"),
        ({"tiny_test.txt": "1 4 3\n0 0\n"}, r"tiny_test\.txt:2: .*; a row is"),
        ({"tiny_test.txt": "1 4 3\n0:1 1:1\n"}, r"tiny_test\.txt:2: .*'0:1'.*; a row is"),
        ({"tiny_test.txt": "1 4 3\n0, 1:1\n"}, r"tiny_test\.txt:2: .*; a row is"),
        ({"tiny_test.txt": "1 4 3\n0 1:1 1:2\n"}, r"tiny_test\.txt:2: feature 1 occurs twice"),
        ({"tiny_test.txt": "1 4 3\n0 0:nan\n"}, r"tiny_test\.txt:2: a weight that is infinite or not a number"),
        ({"tiny_test.txt": "1 4 3\n0 0:1e999\n"}, r"tiny_test\.txt:2: a weight that is infinite"),
        ({"tiny_train.txt.gz": b"\x1f\x8b\x08\x00"}, r"tiny_train\.txt\.gz:1: truncated or damaged"),
        ({"tiny_features.txt": "oil\n"}, r"tiny_features\.txt: 1 names, but the header promises 4"),
        ({"tiny_labels.txt": "a\nb\nc\nd\n"}, r"tiny_labels\.txt: 4 names, but the header promises 3"),
    ],
)
def test_bad_input_is_one_clear_error(convert: Callable, files: dict[str, str | None], message: str) -> None:
    changed = {name: content for name, content in (FILES | files).items() if content is not None}
    with pytest.raises(UserError, match=message):
        convert("bag_of_words", changed)


def test_libsvm_features_begin_at_one_and_within_the_names(convert: Callable) -> None:
    with pytest.raises(UserError, match=r"svm_test\.svm:1: feature 0, but they count from 1 .*; begin the file with"):
        convert("bag_of_words", BINARY | {"svm_test.svm": "5 0:1\n"})
    with pytest.raises(UserError, match=r"svm_train\.svm\.bz2:1: 2 has no name among the 2 of a_features\.txt"):
        convert("bag_of_words", BINARY | {"a_features.txt": "oil\ngas\n"})
