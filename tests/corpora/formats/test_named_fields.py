import json
from pathlib import Path

import pytest

from xmlcore.common.errors import UserError
from xmlcore.config.params import Convert
from xmlcore.corpora.formats.converters import CONVERTERS
from xmlcore.corpora.records import read_records

ROWS = [("d1", "wheat, and corn", ["grain", "corn"]), ("d2", "a tanker\tat sea", ["ship"]), ("d3", "nothing", [])]


def convert(tmp_path: Path, files: dict[str, str], **options):
    raw, records = tmp_path / "raw", tmp_path / "records"
    raw.mkdir()
    records.mkdir()
    for name, content in files.items():
        (raw / name).parent.mkdir(exist_ok=True)
        (raw / name).write_text(content)
    given = Convert(**{"format": "named_fields"} | options)
    CONVERTERS[given.format](raw, records, given)
    return [(row.doc_id, row.text, [*row.labels]) for row in read_records(records / "train.tsv")]


EXPECTED = [("d1", "wheat, and corn", ["grain", "corn"]), ("d2", "a tanker at sea", ["ship"]), ("d3", "nothing", [])]


def test_json_lines(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"id": i, "text": text, "labels": labels}) + "\n" for i, text, labels in ROWS)
    assert convert(tmp_path, {"my_train.jsonl": lines, "my_test.jsonl": lines}) == EXPECTED


@pytest.mark.parametrize("separator", [" ", ";"])
def test_csv_with_names_of_ones_own(tmp_path: Path, separator: str) -> None:
    lines = "topics,body\n" + "".join(f'{separator.join(labels)},"{text}"\n' for _, text, labels in ROWS)
    fields = {"text": "body", "labels": "topics"}
    found = convert(tmp_path, {"train.csv": lines, "test.csv": lines}, fields=fields, label_separator=separator)
    assert found == [(f"train-{i}", *row[1:]) for i, row in enumerate(EXPECTED, start=1)]


def test_tsv(tmp_path: Path) -> None:
    lines = "id\ttext\tlabels\nd1\twheat\tgrain corn\n"
    assert convert(tmp_path, {"train.tsv": lines, "test.tsv": lines}) == [("d1", "wheat", ["grain", "corn"])]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "corn"}', r"train.jsonl:1: no field 'labels'; mend convert\.fields"),
        ('{"labels": ["a"]}', "train.jsonl:1: no object with a string 'text'"),
        ('{"text": "corn", "labels": {"a": 1}}', "train.jsonl:1: 'labels' is no list"),
        ('{"id": "a", "text": "x", "labels": ["b"]}\n' * 2, "train.jsonl:2: the id 'a' is that of .*:1, too"),
        ("[" * 100_000, "train.jsonl:1: not JSON"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        convert(tmp_path, {"train.jsonl": line + "\n", "test.jsonl": line + "\n"})


def test_annif_files(tmp_path: Path) -> None:
    lines = "wheat and corn\t<http://x/p1> <http://x/p2>\nno label\t\n"
    found = convert(tmp_path, {"my-train.tsv": lines, "my-test.tsv": lines}, format="annif")
    assert found == [("train-1", "wheat and corn", ["http://x/p1", "http://x/p2"]), ("train-2", "no label", [])]


def test_annif_folders(tmp_path: Path) -> None:
    files = {
        f"{split}/{name}": content
        for split in ("train", "test")
        for name, content in {
            "b.txt": "a tanker\nat sea\n",
            "b.tsv": "<http://x/p1>\tship\n",
            "a.txt": "corn\n",
            "a.key": "grain crops\n\n",
        }.items()
    }
    found = convert(tmp_path, files, format="annif")
    assert found == [("a", "corn", ["grain_crops"]), ("b", "a tanker at sea", ["http://x/p1"])]


def test_annif_faults_are_named(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    with pytest.raises(UserError, match=r"train\.tsv:1: not `text<TAB><uri> <uri>`"):
        convert(tmp_path / "one", {"train.tsv": "no tab\n", "test.tsv": "no tab\n"}, format="annif")
    with pytest.raises(UserError, match=r"a\.txt: no a\.tsv or a\.key"):
        convert(tmp_path / "other", {"train/a.txt": "corn\n", "test/a.txt": "corn\n"}, format="annif")
