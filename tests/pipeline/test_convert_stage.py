import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
CORPUS = "eurlex-4k-text"  # any corpus of params.yaml in the labelled_text format


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    raw = tmp_path / "data" / CORPUS / "raw"
    raw.mkdir(parents=True)
    (raw / "train.txt").write_text("a b\tone two\nb\tthree\n")
    (raw / "test.txt").write_text("c\tfour\n")
    return tmp_path


def convert(project: Path, corpus: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "stages" / "convert.py"), corpus]
    return subprocess.run(command, cwd=project, capture_output=True, text=True)


def test_records_are_written_and_summarised_in_one_line(project: Path) -> None:
    done = convert(project, CORPUS)
    assert (done.returncode, done.stdout) == (
        0,
        f"{CORPUS}: 2 train and 1 test documents, 3 labels, 1.33 labels and 1 tokens a document\n",
    )
    assert (project / "data" / CORPUS / "records" / "test.tsv").read_text() == "test-1\tc\tfour\n"


@pytest.mark.parametrize(("separator", "warns"), [(" ", True), (",", False)])
def test_where_nearly_every_document_has_a_label_of_its_own_a_warning_says_what_to_set(
    project: Path, separator: str, warns: bool
) -> None:
    for split, labels in (("train", ("a,b", "b,c", "c,a")), ("test", ("b,a",))):
        lines = "".join(f"{each}\ttext\n" for each in labels)
        (project / "data" / CORPUS / "raw" / f"{split}.txt").write_text(lines)
    params = YAML(typ="safe").load(project / "params.yaml")
    params["corpus"][CORPUS]["convert"]["label_separator"] = separator
    YAML(typ="safe").dump(params, project / "params.yaml")
    done = convert(project, CORPUS)
    assert done.returncode == 0
    said = " ".join(done.stderr.split())
    assert ("100% of documents have a label that no other has" in said and "convert.label_separator" in said) is warns


def test_failure_is_one_line_and_keeps_the_former_records(project: Path) -> None:
    convert(project, CORPUS)
    (project / "data" / CORPUS / "raw" / "test.txt").write_text("no tab\n")
    failed = convert(project, CORPUS)
    assert failed.returncode == 1
    assert failed.stderr == (
        f"error: data/{CORPUS}/raw/test.txt:1: not `labels<TAB>text`; give every line the fields of line 1, "
        "or mend convert.columns\n"
    )
    assert sorted(path.name for path in (project / "data" / CORPUS).iterdir()) == ["raw", "records"]
    assert (project / "data" / CORPUS / "records" / "train.tsv").read_text().startswith("train-1\ta b\tone two\n")


def test_unknown_corpus_is_answered_with_the_known_ones(project: Path) -> None:
    failed = convert(project, "nope")
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: corpus: 'nope' is not defined; known are ")
