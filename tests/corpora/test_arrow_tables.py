"""Parquet files and what the library `datasets` saves, as corpora and as texts of a user."""

import json
from pathlib import Path
from typing import Any

import pytest

from xmlcore.common.errors import UserError
from xmlcore.config.params import Convert
from xmlcore.corpora.formats.converters import CONVERTERS
from xmlcore.corpora.records import read_records
from xmlcore.corpora.user_texts import Columns, read_texts

pyarrow = pytest.importorskip("pyarrow", reason="pyarrow, which is optional, is not installed")
ipc, parquet = pytest.importorskip("pyarrow.ipc"), pytest.importorskip("pyarrow.parquet")

TEXTS = ["wheat, and corn", "a tanker\nat sea", "nothing"]
LABELS: list[Any] = [["grain", "corn"], ["ship"], []]


def write(path: Path, labels: Any = None, texts: Any = None, names: list[str] | None = None, **more: Any) -> Path:
    """A table as the suffix of `path` says; `names` are those of a `ClassLabel`, as `datasets` keeps them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.table({"text": texts or TEXTS, "labels": LABELS if labels is None else labels} | more)
    if names:
        label = {"names": names, "_type": "ClassLabel"}
        feature = {"feature": label, "_type": "Sequence"} if isinstance(labels[0], list) else label
        stored = {"info": {"features": {"text": {"dtype": "string"}, "labels": feature}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(stored)})
    if path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=2)
    else:
        with ipc.new_stream(str(path), table.schema) as stream:
            stream.write_table(table, max_chunksize=2)
    return path


def converted(raw: Path) -> list[tuple[str, str, list[str]]]:
    records = raw.parent / "records"
    records.mkdir()
    CONVERTERS["named_fields"](raw, records, Convert(format="named_fields"))
    return [(row.doc_id, row.text, [*row.labels]) for row in read_records(records / "train.tsv")]


EXPECTED = [
    ("train-1", "wheat, and corn", ["grain", "corn"]),
    ("train-2", "a tanker at sea", ["ship"]),
    ("train-3", "nothing", []),
]


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_a_corpus_of_two_files(tmp_path: Path, suffix: str) -> None:
    for split in ("train", "test"):
        write(tmp_path / "raw" / f"my_{split}.{suffix}")
    assert converted(tmp_path / "raw") == EXPECTED


def test_a_folder_that_datasets_saved_with_labels_as_numbers(tmp_path: Path) -> None:
    names = ["corn", "grain", "ship"]
    for split in ("train", "test"):
        folder = tmp_path / "raw" / split
        write(folder / "data-00000-of-00002.arrow", [[1, 0], [2]], TEXTS[:2], names)
        write(folder / "data-00001-of-00002.arrow", [[-1]], TEXTS[2:], names)
        (folder / "state.json").write_text("{}")
    assert converted(tmp_path / "raw") == EXPECTED


def test_one_label_a_document_as_a_number_and_an_id(tmp_path: Path) -> None:
    file = write(tmp_path / "x.parquet", [1, 0, -1], names=["corn", "grain"], id=[7, 8, 9])
    found = [*read_texts(file, Columns())]
    assert [(each.id, each.labels) for each in found] == [("7", ["grain"]), ("8", ["corn"]), ("9", [])]
    assert found[1].place == f"{file}:2"


def test_other_names_and_labels_in_one_string(tmp_path: Path) -> None:
    file = write(tmp_path / "x.parquet", ["a;b", "c", ""], body=["one", "two", "three"])
    found = [*read_texts(file, Columns(text="body", separator=";"))]
    assert [(each.text, each.labels) for each in found] == [("one", ["a", "b"]), ("two", ["c"]), ("three", [])]


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_damage_is_one_line_wherever_it_is(tmp_path: Path, suffix: str) -> None:
    whole = write(tmp_path / f"whole.{suffix}").read_bytes()
    damaged = tmp_path / f"damaged.{suffix}"
    told = 0
    for place in range(0, len(whole), 23):
        for content in (whole[:place], whole[:place] + b"\xff" * 9 + whole[place + 9 :]):
            damaged.write_bytes(content)
            try:
                for given in read_texts(damaged, Columns(), skip=lambda fault: None):
                    assert isinstance(given.text, str)
            except UserError as error:
                assert "\n" not in str(error) and str(error).startswith(str(damaged))
                told += 1
    assert told > 20


def test_a_column_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    file = write(tmp_path / "x.parquet", number=[1, 2, 3])
    with pytest.raises(UserError, match="no column 'body' among text, labels, number; name it"):
        next(read_texts(file, Columns(text="body")))
    with pytest.raises(UserError, match=r"x.parquet:1: no object with a string 'number'"):
        next(read_texts(file, Columns(text="number")))
