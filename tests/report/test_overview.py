from pathlib import Path

from disk import write
from trust import PLACES, worst_case

from xmlcore.report.collect import collect
from xmlcore.report.results import Results
from xmlcore.report.sections import overview
from xmlcore.report.sections.accuracy import METRICS
from xmlcore.report.table import Fails, Holds


def read(root: Path) -> Results:
    return collect(root, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1)


def test_a_row_has_accuracy_robustness_faithfulness_and_cost(trusted: Path) -> None:
    shares = {key: 0.5 + i / 100 for i, key in enumerate(METRICS)}
    write(trusted / "results/toy/xml_cnn/adversarial/bce/evaluate/ranking.json", shares)
    table = overview.overview(read(trusted))
    assert table.rows == (
        ("toy", "xml_cnn", "clean", "bce")
        + ("95.07", "19.01", "–", "70.04", "33.50", "✓ all 7 hold", "0.80", "0.70", "0.60", "63.1"),
        ("toy", "xml_cnn", "adversarial", "bce")
        + ("50.00", "52.00", "57.00", "78.52", "33.50", "✗ 2 of 8 fail", "0.80", "0.70", "0.60", "63.1"),
    )
    assert isinstance(table.rows[0][9], Holds) and isinstance(table.rows[1][9], Fails)


def test_the_worst_attack_of_another_strength_is_not_set_beside_fgsm(trusted: Path) -> None:
    write(trusted / "results" / PLACES[0] / "attack_embeddings/worst_case.json", worst_case() | {"epsilon": 0.2})
    assert overview.overview(read(trusted)).rows[0][7:10] == ("70.04", "–", "✓ all 7 hold")


def test_without_any_measure_a_model_still_has_its_row(project: Path) -> None:
    (project / "results/toy/xml_cnn/clean/pw").mkdir()
    results = collect(project, ["toy"], ["xml_cnn"], ["clean"], ["pw"], 0.1)
    assert overview.overview(results).rows[0] == ("toy", "xml_cnn", "clean", "pw", *["–"] * 10)
