"""Sanity checks in the report: hand-made files in, verdicts, the figures behind them and curves out."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from disk import write
from trust import PLACES, sanity

from xmlcore.report.collect import collect
from xmlcore.report.results import Results
from xmlcore.report.sections import attack_checks as section
from xmlcore.report.table import Fails, Holds, NotAsked

CLEAN, ROBUST = ("toy", "xml_cnn", "clean", "bce"), ("toy", "xml_cnn", "adversarial", "bce")


def read(root: Path) -> Results:
    return collect(root, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1)


def test_a_check_holds_fails_or_does_not_apply_in_words_and_in_kind(trusted: Path) -> None:
    table = section.checks(read(trusted))
    clean, robust = (dict(zip([column.name for column in table.columns], row, strict=True)) for row in table.rows)
    assert [clean[name] for name in ("Corpus", "Model", "Regime", "Loss")] == [*CLEAN]
    assert clean["Steps converge"] == Holds("✓ holds") and isinstance(clean["Steps converge"], Holds)
    assert robust["Steps converge"] == "✗ fails" and isinstance(robust["Steps converge"], Fails)
    assert clean["Aware ≥ unaware"] == "does not apply" and isinstance(clean["Aware ≥ unaware"], NotAsked)
    assert [isinstance(cell, Fails) for cell in table.rows[1][4:]].count(True) == 2
    assert [column.name for column in table.columns[4 + len(section.CHECKS) :]] == ["Documents", "Power (%)"]


def test_failures_are_named_by_cell(trusted: Path) -> None:
    assert section.failures(read(trusted)) == {"toy · xml_cnn · adversarial · bce": "Steps converge; Model breaks"}


def test_the_outcome_counts_only_what_applies() -> None:
    assert section.outcome(sanity()) == (0, 7)
    assert section.outcome(sanity(transfer_weaker_than_white_box=False)) == (1, 8)


def test_every_attack_has_its_precision_and_an_absent_one_a_dash(trusted: Path) -> None:
    table = section.attacks(read(trusted))
    assert [column.name for column in table.columns[4:]] == [
        *("Documents", "ε", "None", "Noise", "Transfer", "FGSM", "PGD"),
        *("PGD, margin", "PGD, top k", "PGD, L2", "Worst of all"),
    ]
    shares = ("94.00", "93.00", "–", "58.00", "40.00", "38.00", "41.00", "20.00", "17.50")
    assert table.rows[0] == (*CLEAN, "200", "0.10", *shares)


def test_convergence_goes_by_rising_numbers_of_steps_and_says_where_a_model_breaks(trusted: Path) -> None:
    table = section.convergence(read(trusted))
    assert table.column_groups[1:4] == [("P@1 (%) by steps of PGD", 3), ("By restarts", 2), ("Of rounding", 2)]
    assert [column.name for column in table.columns[4:9]] == ["1", "5", "20", "1", "2"]
    steps = ("60.00", "45.00", "40.00", "40.00", "39.50")
    assert table.rows == (
        (*CLEAN, *steps, "–", "–", "0.50", "1.00"),
        (*ROBUST, *steps, "50.00", "45.00", "0.50", "–"),
    )


def test_cells_with_one_threat_model_share_it(trusted: Path) -> None:
    ((_, titles),) = section.threat_models(read(trusted)).items()
    assert titles == ["toy · xml_cnn · clean · bce", "toy · xml_cnn · adversarial · bce"]
    path = trusted / "results" / PLACES[1] / "attack_embeddings/checks.json"
    write(path, json.loads(path.read_text()) | {"threat_model": "Grey box."})
    assert len(section.threat_models(read(trusted))) == 2


def test_a_curve_for_every_attack_and_norm(trusted: Path) -> None:
    clean, robust = section.curves(read(trusted))
    assert clean.name == "attacks-toy-xml_cnn-clean-bce" and robust.caption.startswith("toy · xml_cnn · adversarial")
    texts = {"".join(each.itertext()).strip() for each in ElementTree.fromstring(clean.svg).iter()}
    assert {"Noise", "FGSM", "PGD", "PGD, L2", "0.02", "0.05", "0.10"} <= texts
    assert "Transfer" not in texts


@pytest.mark.parametrize(
    "name",
    [
        "results/toy/xml_cnn/clean/bce/attack_embeddings/checks.json",
        "results/toy/xml_cnn/clean/bce/attack_embeddings/curves.json",
    ],
)
def test_a_cell_that_was_not_asked_is_left_out(trusted: Path, name: str) -> None:
    (trusted / name).unlink()
    results = read(trusted)
    left = section.checks(results).rows if name.endswith("checks.json") else section.curves(results)
    assert len(left) == 1


def test_cells_of_any_regime_are_shown(project: Path) -> None:
    write(project / "results/other/xml_cnn/squeezed/pw/attack_embeddings/checks.json", sanity())
    results = collect(project, ["toy", "other"], ["xml_cnn"], ["squeezed"], ["pw"], 0.1)
    assert [row[:4] for row in section.checks(results).rows] == [("other", "xml_cnn", "squeezed", "pw")]
