"""Faithfulness, agreement and stability in the report: hand-made files in, tables and a figure out."""

import json
from pathlib import Path
from xml.etree import ElementTree

from disk import write
from trust import PLACES, stability

from xmlcore.report.collect import collect
from xmlcore.report.results import Results
from xmlcore.report.sections import explanation_stability as stability_section
from xmlcore.report.sections import faithfulness
from xmlcore.report.table import MISSING, Fails, Holds

CLEAN, ROBUST = ("toy", "xml_cnn", "clean", "bce"), ("toy", "xml_cnn", "adversarial", "bce")


def read(root: Path) -> Results:
    return collect(root, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1)


def test_every_cell_has_a_table_with_the_methods_as_rows(trusted: Path) -> None:
    clean, robust = faithfulness.methods(read(trusted))
    assert clean.caption == "toy · xml_cnn · clean · bce: faithfulness on 50 documents"
    assert robust.caption.startswith("toy · xml_cnn · adversarial · bce")
    assert [row[0] for row in clean.rows] == ["LIME", "SHAP", "IG", "Gradient × input", "Random"]
    assert clean.column_groups == [("", 1), ("Words masked", 3), ("Words deleted", 3), ("", 8)]
    removals = ("0.40", "-0.12", "0.80 [0.70, 0.90]", "0.40", "-0.12", "0.40 [0.30, 0.50]")
    scores = ("0.50", "0.75", "0.25", "0.03")
    assert clean.rows[0] == ("LIME", *removals, "✓ yes", *scores, "0.88", "–", "0.40")
    assert clean.rows[2][-3:] == ("–", "0.0010", "0.40")


def test_what_is_no_better_than_random_is_a_failure_and_random_itself_is_not_asked(trusted: Path) -> None:
    table, _ = faithfulness.methods(read(trusted))
    better = [row[[column.name for column in table.columns].index("Better than random")] for row in table.rows]
    assert better == ["✓ yes", "✓ yes", "✓ yes", "✗ no", "–"]
    assert isinstance(better[0], Holds) and isinstance(better[3], Fails)


def test_agreement_has_a_column_for_each_pair(trusted: Path) -> None:
    table = faithfulness.agreement(read(trusted))
    assert [column.name for column in table.columns[4:]] == ["LIME, SHAP", "LIME, IG", "SHAP, IG"]
    assert table.rows == ((*CLEAN, "0.60", "0.50", "0.40"), (*ROBUST, "0.60", "0.50", "0.40"))


def test_the_figure_has_a_row_for_each_method_and_a_mark_for_each_cell(trusted: Path) -> None:
    (figure,) = faithfulness.intervals(read(trusted))
    texts = {"".join(each.itertext()).strip() for each in ElementTree.fromstring(figure.svg).iter()}
    assert {*faithfulness.EXPLAINERS.values(), "clean · bce", "adversarial · bce"} <= texts


def test_stability_is_under_attack_and_against_the_reference_which_has_none_itself(trusted: Path) -> None:
    table = stability_section.stability(read(trusted))
    attacked, reference = ("0.80 [0.70, 0.90]", "0.40 [0.30, 0.50]"), ("-1.00 [-1.00, -1.00]", "1.00 [1.00, 1.00]")
    assert table.rows[0] == (*CLEAN, "LIME", "50", *attacked, "–", "–")
    assert table.rows[3] == (*ROBUST, "LIME", "50", *attacked, *reference)
    assert [row[4] for row in table.rows] == ["LIME", "SHAP", "IG"] * 2


def test_a_method_of_one_comparison_alone_has_a_row(trusted: Path) -> None:
    found = stability()
    del found["attacked"]["shap"]
    write(trusted / "results" / PLACES[1] / "explain/study/stability.json", found)
    row = stability_section.stability(read(trusted)).rows[4]
    assert row[4:8] == ("SHAP", "50", "–", "–") and "–" not in row[8:]


def test_what_a_method_does_not_have_is_a_dash(trusted: Path) -> None:
    path = trusted / "results/toy/xml_cnn/clean/bce/explain/study/faithfulness.json"
    found = json.loads(path.read_text())
    method = found["methods"]["random"]
    for key in ("sensitivity", "randomised", "tau_leave_one_out", "sparseness"):
        del method[key]
    method["masking"]["naopc"] = None
    path.write_text(json.dumps(found))
    clean, _ = faithfulness.methods(read(trusted))
    row = clean.rows[-1]
    assert row[:4] == ("Random", "0.40", "-0.12", MISSING)
    assert row[7:13] == (MISSING,) * 6
    assert faithfulness.intervals(read(trusted))
