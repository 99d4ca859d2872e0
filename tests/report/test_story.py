"""The opening of the report: sentences that are right on hand-made results, and doubts that name what is missing."""

import json
from pathlib import Path

from disk import HOSTILE, evaluation, write
from trust import PLACES

from xmlcore.report import story
from xmlcore.report.collect import collect
from xmlcore.report.results import Results


def read(root: Path, simulated: tuple[str, ...] = ()) -> Results:
    return collect(root, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1, simulated)


def test_what_was_trained_is_one_sentence(project: Path) -> None:
    assert story.trained(read(project)) == (
        "On toy (24,690 training documents, 12,345 to test on, 12,345 labels), xml_cnn was trained clean and "
        "adversarially, attacked and explained."
    )


def test_a_gap_that_narrows_and_what_it_costs(project: Path) -> None:
    gain, cost, words = story.findings(read(project))
    assert gain == (
        "An attack of ε = 0.10 takes P@1 on toy from 95.07 to 70.04 %, trained adversarially from 95.33 to 78.52 %, "
        "a gap 33 % smaller."
    )
    assert cost == "Adversarial training changes P@1 without an attack by +0.3 points on toy."
    assert words.startswith("LIME and SHAP agree on 2.0 of their 5 heaviest words, for ") and "“profit”" in words


def test_a_gap_that_widens_is_told_as_such(project: Path) -> None:
    path = project / "results" / PLACES[1] / "evaluate" / "fgsm.json"
    write(path, [evaluation(0.0, 0.9, 0.9), evaluation(0.1, 0.9, 0.4)])
    gain, cost, _ = story.findings(read(project))
    assert "trained adversarially from 90.00 to 40.00 %, a gap 100 % larger." in gain
    assert "-5.1 points" in cost


def test_doubts_name_what_was_not_tried(project: Path) -> None:
    simulated, error, attacks, explanations = story.doubts(read(project, ("toy",)))
    assert simulated.startswith("toy: simulated") and "0.5 points" in error
    assert "one step" in attacks and "robustness.models" in attacks
    assert "not measured" in explanations


def test_doubts_name_failing_checks_and_no_study_that_was_made(trusted: Path) -> None:
    doubts = story.doubts(read(trusted))
    assert [doubt for doubt in doubts if "2 of 15 checks" in doubt]
    assert not [doubt for doubt in doubts if "not measured" in doubt or "one step" in doubt or "simulated" in doubt]


def test_a_document_is_marked_by_both_methods(project: Path) -> None:
    marked = story.marked_document(read(project))
    assert marked is not None and marked.label == HOSTILE and marked.true_labels == (HOSTILE,)
    assert [name for name, _ in marked.readings] == ["LIME", "SHAP"]
    for _, tokens in marked.readings:
        assert [token.text for token in tokens] == ["profit", HOSTILE, "profit"]
        assert [token.strength for token in tokens] == [1.0, 0.5, 1.0]


def test_without_explanations_there_is_no_document(project: Path) -> None:
    for path in project.glob("results/toy/xml_cnn/*/bce/explain/lime/explanations.json"):
        path.write_text(json.dumps([]))
    assert story.marked_document(read(project)) is None
    assert len(story.findings(read(project))) == 2


def test_the_table_has_the_listed_cells_alone(project: Path) -> None:
    assert [row[:3] for row in story.table(read(project)).rows] == [
        ("toy", "xml_cnn", "clean"),
        ("toy", "xml_cnn", "adversarial"),
    ]


def test_one_picture_has_a_panel_for_each_experiment(project: Path) -> None:
    (picture,) = story.picture(read(project))
    assert picture.name == "p1-against-epsilon"
    assert "trained clean" in picture.svg and "trained adversarially" in picture.svg
