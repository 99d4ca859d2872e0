from pathlib import Path

import pytest

from xmlcore.common.errors import UserError
from xmlcore.report.provenance import TrackedFile, read_provenance


def test_parameters_keep_the_corpora_that_are_shown(project: Path) -> None:
    parameters = read_provenance(project, ["toy", "other"]).parameters
    assert "committed elsewhere" in parameters and "# what `dvc repro` runs" in parameters
    assert "unseen" not in parameters


def test_hashes_are_those_of_the_stages_of_a_shown_corpus_without_the_report_s_own(project: Path) -> None:
    assert read_provenance(project, ["toy"]).files == (
        TrackedFile("data/toy/encoded/xml_cnn", "cccc", "encode@toy-xml_cnn"),
        TrackedFile("data/toy/records", "bbbb", ""),
        TrackedFile("xmlcore/data/tokens.py", "aaaa", ""),
    )


def test_without_a_lock_file_there_are_no_hashes(project: Path) -> None:
    (project / "dvc.lock").unlink()
    assert read_provenance(project, ["toy"]).files == ()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a: [", "not YAML: line 1: "),
        ("a: 0000-00-00", "not YAML: year 0 is out of range"),
        ("- a", "expected a mapping"),
        ("stages: {encode: {outs: [{md5: a}]}}", r"stages\.encode\.outs\.0\.path: Field required; mend it or restore"),
    ],
)
def test_a_broken_lock_file_is_named(project: Path, content: str, complaint: str) -> None:
    (project / "dvc.lock").write_text(content)
    with pytest.raises(UserError, match=rf"dvc\.lock: {complaint}"):
        read_provenance(project, ["toy"])


def test_the_versions_of_the_libraries_are_known(project: Path) -> None:
    assert {"python", "torch", "shap"} <= dict(read_provenance(project, ["toy"]).versions).keys()
