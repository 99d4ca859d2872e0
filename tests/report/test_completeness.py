"""Integrated Gradients in the report: collected, shown without a figure number, and measured by completeness."""

import json
from pathlib import Path

import pytest

from xmlcore.common.errors import UserError
from xmlcore.report.collect import collect
from xmlcore.report.results import Results
from xmlcore.report.sections import local_explanations as explanations
from xmlcore.report.sections import tables

PLACE = Path("toy", "xml_cnn")


def explanation(label: str, logit: float, baseline_logit: float, delta: float) -> dict[str, object]:
    change = logit - baseline_logit + delta
    figures = {"score": 0.9, "logit": logit, "baseline_logit": baseline_logit, "delta": delta}
    origin = {"document": 0, "doc_id": "d0", "true_labels": ["C15"], "label": 3, "label_name": label}
    return origin | figures | {"tokens": ["profit", "rain"], "weights": [change, 0.0]}


def write(root: Path, regime: str, found: list[dict[str, object]]) -> None:
    folder = root / "results" / PLACE / regime / "bce" / "explain" / "ig"
    folder.mkdir(parents=True)
    (folder / "document-000.html").write_text("<!DOCTYPE html>")
    skipped = {"document": 1, "doc_id": "d1", "skipped": "the document has no token"}
    (folder / "explanations.json").write_text(json.dumps([*found, skipped]))


def read(root: Path) -> Results:
    return collect(root, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, "clean", [explanation("C15", 2.0, -1.0, 0.03), explanation("M11", -1.0, 0.0, -0.01)])
    write(tmp_path, "adversarial", [explanation("C15", 0.5, 0.0, 0.0)])
    return tmp_path


def test_completeness_has_means_and_the_worst_of_each_model(project: Path) -> None:
    assert tables.completeness(read(project)).rows == (
        ("toy", "Base", "2", "2.0000", "0.0200", "0.0300"),
        ("toy", "Robust", "1", "0.5000", "0.0000", "0.0000"),
    )


def test_the_figure_has_no_number_and_links_to_its_pages(project: Path) -> None:
    (figure,) = explanations.local_explanations(read(project))
    assert figure.caption == "toy: IG weights of test document 0"
    assert [label.name for label in figure.labels] == ["C15", "M11"]
    assert [name for name, _ in figure.pages] == ["Base", "Robust"]
    assert [pages.title for pages in explanations.page_lists(read(project))] == [
        "toy · xml_cnn · clean · bce, IG",
        "toy · xml_cnn · adversarial · bce, IG",
    ]


def test_a_delta_that_is_no_number_is_refused_by_name(project: Path) -> None:
    path = project / "results" / PLACE / "clean" / "bce" / "explain" / "ig" / "explanations.json"
    path.write_text(path.read_text().replace("0.03", '"small"', 1))
    with pytest.raises(UserError, match=r"ig/explanations\.json: 0\."):
        read(project)
