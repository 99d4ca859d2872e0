"""The picture of what is left: which bars each model has, and how long they are."""

from pathlib import Path

from trust import PLACES

from xmlcore.report.collect import collect
from xmlcore.report.results import Results
from xmlcore.report.sections.resistance import resistance

KINDS = ("clean", "FGSM, ε = 0.10", "the worst of all attacks", "every word substituted", "certified")


def results(root: Path) -> Results:
    return collect(root, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1)


def labels(svg: str) -> list[str]:
    """The numbers at the ends of the bars."""
    return [text for text in svg.replace(">", "<").split("<") if text.isdigit()]


def test_a_bar_for_each_thing_that_was_measured(trusted: Path) -> None:
    (figure,) = resistance(results(trusted))
    assert figure.name == "resistance-toy"
    assert all(kind in figure.svg for kind in KINDS)
    assert [labels(figure.svg).count(share) for share in ("34", "90", "85")] == [2, 2, 2]  # worst, attacked, certified


def test_what_was_not_measured_has_no_bar_and_no_name(trusted: Path) -> None:
    for place in PLACES:
        (trusted / "results" / place / "certify/certified.json").unlink()
    (trusted / "results" / PLACES[1] / "attack_embeddings/worst_case.json").unlink()
    (figure,) = resistance(results(trusted))
    assert [kind in figure.svg for kind in KINDS] == [True, True, True, False, False]
    assert labels(figure.svg).count("34") == 1


def test_without_any_figure_there_is_no_picture(tmp_path: Path) -> None:
    assert resistance(results(tmp_path)) == []
