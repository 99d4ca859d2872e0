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


NAMES = ["corn", "grain", "ship"]


def saved(folder: Path, names: list[str] | None = NAMES) -> Path:
    """A folder as `Dataset.save_to_disk` leaves it, with what `Dataset.map` has cached in it since."""
    files = [folder / f"data-0000{number}-of-00002.arrow" for number in (0, 1)]
    write(files[0], [[1, 0], [2]], TEXTS[:2], names)
    write(files[1], [[-1]], TEXTS[2:], names)
    write(folder / "cache-cb9e7c04b4414e5f.arrow", [[0]] * 3, ["WHEAT", "TANKER", "NOTHING"], names)
    state = {"_data_files": [{"filename": file.name} for file in files], "_split": None}
    (folder / "state.json").write_text(json.dumps(state, indent=2))
    return folder


def test_a_folder_that_datasets_saved_with_labels_as_numbers(tmp_path: Path) -> None:
    for split in ("train", "test", "validation"):
        saved(tmp_path / "raw" / "mine" / split)
    assert converted(tmp_path / "raw") == EXPECTED


def test_names_of_labels_that_only_the_folder_has(tmp_path: Path) -> None:
    feature = {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "List"}
    for split in ("train", "test"):
        folder = saved(tmp_path / "raw" / split, None)
        (folder / "dataset_info.json").write_text(json.dumps({"features": {"labels": feature}}))
    assert converted(tmp_path / "raw") == EXPECTED


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"_data_files": [{"filename": "../secret.arrow"}]}, r"state\.json: its rows are not in this folder"),
        ({"_data_files": []}, r"state\.json: its rows are not in this folder"),
        (
            {"_data_files": [{"filename": "gone.arrow"}]},
            r"state\.json: its rows are not in this folder \('gone.arrow'\)",
        ),
        ({"_data_files": [], "_indices_data_files": [{"filename": "indices.arrow"}]}, "an index .*`flatten_indices"),
        ([], r"state\.json: what `datasets` says of it is not JSON"),
    ],
)
def test_a_folder_that_is_not_whole(tmp_path: Path, state: Any, message: str) -> None:
    for split in ("train", "test"):
        folder = saved(tmp_path / "raw" / split)
        (folder / "state.json").write_text(json.dumps(state))
    with pytest.raises(UserError, match=message):
        converted(tmp_path / "raw")


def test_a_label_that_has_no_name(tmp_path: Path) -> None:
    for wrong in (3, -2):
        file = write(tmp_path / "x.parquet", [[0], [wrong], []], names=NAMES)
        with pytest.raises(UserError, match=r"x.parquet:2: a label that is none of the 3 that are named"):
            [*read_texts(file, Columns())]


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
@pytest.mark.parametrize(
    "kind",
    [pyarrow.list_(pyarrow.bool_()), pyarrow.list_(pyarrow.float32()), pyarrow.list_(pyarrow.int64(), 4)],
    ids=str,
)
def test_vectors_have_the_numbers_of_their_labels(tmp_path: Path, suffix: str, kind: Any) -> None:
    vectors = pyarrow.array([[1, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]).cast(kind)
    found = [*read_texts(write(tmp_path / f"x.{suffix}", vectors), Columns())]
    assert [each.labels for each in found] == [["0", "3"], ["2"], []]


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


def test_names_in_lists_of_a_fixed_size_are_labels(tmp_path: Path) -> None:
    pairs = pyarrow.array([["corn", "grain"], ["ship", "crude"], None], pyarrow.list_(pyarrow.string(), 2))
    found = [*read_texts(write(tmp_path / "x.parquet", pairs), Columns())]
    assert [each.labels for each in found] == [["corn", "grain"], ["ship", "crude"], None]


def test_names_of_a_column_that_is_not_there(tmp_path: Path) -> None:
    feature = {"names": NAMES, "_type": "ClassLabel"}
    (tmp_path / "dataset_info.json").write_text(json.dumps({"features": {"topics": feature}}))
    found = [*read_texts(write(tmp_path / "x.parquet"), Columns(labels="topics"))]
    assert [each.labels for each in found] == [None] * 3


def test_columns_of_other_kinds(tmp_path: Path) -> None:
    file = write(tmp_path / "x.parquet", [{"a": 1}] * 3)
    with pytest.raises(UserError, match=r"x.parquet:1: struct<a: int64>, where a text, labels or an id is expected"):
        next(read_texts(file, Columns()))
    feather = pyarrow.ipc.new_file(str(tmp_path / "x.arrow"), pyarrow.schema([("text", pyarrow.string())]))
    feather.close()
    with pytest.raises(UserError, match=r"x.arrow: a Feather file, no stream of Arrow; write the table as Parquet"):
        next(read_texts(tmp_path / "x.arrow", Columns()))


def repeated(value: str, times: int) -> Any:
    return pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * times, pyarrow.int32()), pyarrow.array([value]))


def one_list(values: Any) -> Any:
    return pyarrow.ListArray.from_arrays(pyarrow.array([0, len(values)], pyarrow.int32()), values)


LONG = "x" * 1_000_000
BOMBS = {
    "texts.parquet": lambda: {"text": repeated(LONG, 1_000_000)},
    "page.parquet": lambda: {"text": [100 * LONG]},
    "text.arrow": lambda: {"text": [20 * LONG]},
    "labels.parquet": lambda: {"text": ["x"], "labels": one_list(repeated(LONG, 200_000))},
    "texts.arrow": lambda: {"text": repeated(LONG, 1_000_000)},
    "labels.arrow": lambda: {"text": ["x"], "labels": one_list(pyarrow.nulls(100_000_000))},
}


@pytest.mark.parametrize("name", BOMBS)
def test_little_that_unpacks_to_much_is_refused_in_little_memory(tmp_path: Path, name: str) -> None:
    file, table = tmp_path / name, pyarrow.table(BOMBS[name]())
    if name.endswith(".parquet"):
        parquet.write_table(table, file, compression="zstd")
    else:
        with ipc.new_stream(str(file), table.schema) as stream:
            stream.write_table(table)
    before = pyarrow.total_allocated_bytes()
    with pytest.raises(UserError, match=r"unpacks to more than 100 times|more than 16,777,216 bytes in a field"):
        for _ in read_texts(file, Columns()):
            assert pyarrow.total_allocated_bytes() - before < 32 << 20


@pytest.mark.parametrize("compression", ["zstd", "lz4", None])
@pytest.mark.parametrize("column", [["x" * 5000] * 3, repeated("x" * 5000, 3)], ids=["plain", "dictionary"])
def test_compressed_streams_are_refused(tmp_path: Path, compression: str | None, column: Any) -> None:
    file, table = tmp_path / "x.arrow", pyarrow.table({"text": column})
    with ipc.new_stream(str(file), table.schema, options=ipc.IpcWriteOptions(compression=compression)) as stream:
        stream.write_table(table)
    if compression:
        with pytest.raises(UserError, match=r"x\.arrow: compressed, which `datasets` does not do; write it without"):
            next(read_texts(file, Columns()))
    else:
        assert [each.text for each in read_texts(file, Columns())] == ["x" * 5000] * 3
