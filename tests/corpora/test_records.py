from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xmlcore.common.errors import UserError
from xmlcore.corpora.records import Record, Summary, normalise, read_records, summarise, write_records

records = st.builds(
    Record,
    doc_id=st.text(min_size=1).filter(lambda text: normalise(Record(text, (), "")).doc_id),
    labels=st.lists(st.text()).map(tuple),
    text=st.text(),
)


@settings(deadline=None, max_examples=50)
@given(written=st.lists(records, min_size=1, max_size=5))
def test_what_is_written_is_read_back_normalised(tmp_path_factory: pytest.TempPathFactory, written: list) -> None:
    path = tmp_path_factory.mktemp("records") / "train.tsv"
    assert write_records(path, written) == len(written)
    assert list(read_records(path)) == [normalise(record) for record in written]
    assert path.read_bytes().count(b"\n") == len(written)


@given(record=records)
def test_normalising_twice_changes_nothing(record: Record) -> None:
    assert normalise(normalise(record)) == normalise(record)


def test_hostile_characters_become_spaces_and_labels_one_word() -> None:
    hostile = Record(
        "a b", ("two words", "\t", "x", "x"), "\ufeffone\ttwo\r\nthree\u2028four\x00five\x85six  seven\x1b"
    )
    assert normalise(hostile) == Record("a_b", ("two_words", "x"), "one two three four five six seven")


def test_lone_surrogates_do_not_stop_the_writer(tmp_path: Path) -> None:
    write_records(tmp_path / "train.tsv", [Record("1", (), "a\ud800b")])
    assert next(read_records(tmp_path / "train.tsv")).text == "a?b"


def test_exact_bytes_of_the_format(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    write_records(path, [Record("1", ("CCAT", "C15"), "première ligne"), Record("2", (), "")])
    assert path.read_bytes() == "1\tCCAT C15\tpremière ligne\n2\t\t\n".encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"train\.tsv: the file is empty"),
        (b"1\ta\ttext\n\n", r"train\.tsv:2: not `doc_id<TAB>labels<TAB>text`"),
        (b"1\ta\n", r"train\.tsv:1: not `doc_id"),
        (b"1\ta\tb\tc\n", r"train\.tsv:1: not `doc_id"),
        (b"\ta\ttext\n", r"train\.tsv:1: not `doc_id"),
        (b"1\ta\ttext\n2\tb\t\xff\n", r"train\.tsv:2: not utf-8"),
    ],
)
def test_malformed_records_are_named_by_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "train.tsv").write_bytes(content)
    with pytest.raises(UserError, match=message):
        list(read_records(tmp_path / "train.tsv"))


@pytest.mark.parametrize(
    ("written", "message"),
    [([], r"train\.tsv: the corpus has no document"), ([Record("1", (), ""), Record("\t", (), "x")], r"tsv:2: .* id")],
)
def test_refused_records_leave_no_file(tmp_path: Path, written: list[Record], message: str) -> None:
    with pytest.raises(UserError, match=message):
        write_records(tmp_path / "train.tsv", written)
    assert list(tmp_path.iterdir()) == []


def test_summary_counts_both_splits(tmp_path: Path) -> None:
    write_records(tmp_path / "train.tsv", [Record("1", ("a", "b"), "x y"), Record("2", (), "")])
    write_records(tmp_path / "test.tsv", [Record("3", ("b", "c", "d"), "x"), Record("4", ("a",), "x y z")])
    assert summarise(tmp_path) == Summary(2, 2, labels=4, mean_labels=1.5, mean_tokens=1.5, own_labels=0.25)
