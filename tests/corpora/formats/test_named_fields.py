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
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).write_text(content)
    given = Convert(**{"format": "named_fields"} | options)
    CONVERTERS[given.format](raw, records, given)
    return [(row.doc_id, row.text, [*row.labels]) for row in read_records(records / "train.tsv")]


EXPECTED = [("d1", "wheat, and corn", ["grain", "corn"]), ("d2", "a tanker at sea", ["ship"]), ("d3", "nothing", [])]


def test_json_lines(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"id": i, "text": text, "labels": labels}) + "\n" for i, text, labels in ROWS)
    assert convert(tmp_path, {"my_train.jsonl": lines, "my_test.jsonl": lines}) == EXPECTED


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ("[3, 1]", ["3", "1"]),
        ("[0, 1]", ["0", "1"]),
        ("7", ["7"]),
        ('"corn grain"', ["corn", "grain"]),
        ("[false, true, false, true]", ["1", "3"]),
        ("[0.0, 0.0, 1.0]", ["2"]),
        ("[]", []),
    ],
)
def test_what_labels_may_be(tmp_path: Path, given: str, labels: list[str]) -> None:
    line = f'{{"id": "d1", "text": "corn", "labels": {given}}}\n'
    assert convert(tmp_path, {"train.jsonl": line, "test.jsonl": line}) == [("d1", "corn", labels)]


def test_a_file_of_a_header_alone_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train\.csv: no document in it; fetch the corpus again"):
        convert(tmp_path, {"train.csv": "text,labels\n", "test.csv": "text,labels\n"})


def test_a_split_in_parts(tmp_path: Path) -> None:
    lines = [json.dumps({"id": i, "text": text, "labels": labels}) + "\n" for i, text, labels in ROWS]
    parts = {f"data/train-0000{i}-of-00003.jsonl": line for i, line in enumerate(lines)}
    test = {"data/test-00000-of-00001.jsonl": lines[0]}
    (tmp_path / "whole").mkdir()
    assert convert(tmp_path / "whole", parts | test) == EXPECTED
    parts.pop("data/train-00001-of-00003.jsonl")
    (tmp_path / "less").mkdir()
    with pytest.raises(
        UserError, match="of the parts of the train file there are train-00000-of-00003.jsonl, .* alone"
    ):
        convert(tmp_path / "less", parts | test)
    (tmp_path / "others").mkdir()
    with pytest.raises(UserError, match="several train files: .*; name one as convert.files.train"):
        convert(tmp_path / "others", parts | test | {"data/train.jsonl": lines[0]})


def test_folders_as_an_archive_has_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = '{"id": "d1", "text": "corn", "labels": ["a"]}\n'
    files = {f"mine/{split}/part.jsonl": line for split in ("train", "test", "validation")}
    (tmp_path / "one").mkdir()
    assert convert(tmp_path / "one", files) == [("d1", "corn", ["a"])]
    assert "validation: ignored; validation documents are drawn" in capsys.readouterr().err.replace("\n", "")
    (tmp_path / "two").mkdir()
    files |= {f"yours/{split}/part.jsonl": line for split in ("train", "test")}
    with pytest.raises(UserError, match="several folders with train and test: .*mine, .*yours; keep one"):
        convert(tmp_path / "two", files)


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
        ('{"text": "corn", "labels": [0.0, 0.5]}', "train.jsonl:1: 'labels' is no list"),
        ('{"text": "corn", "labels": true}', "train.jsonl:1: 'labels' is no list"),
        ('{"text": "corn", "labels": [0, 1, 0]}', "train.jsonl:1: 'labels' looks like a vector of 0 and 1; write true"),
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
