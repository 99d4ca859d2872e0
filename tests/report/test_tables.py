from pathlib import Path

import pytest

from xmlcore.report.collect import collect
from xmlcore.report.results import Results
from xmlcore.report.sections import tables


@pytest.fixture
def results(project: Path) -> Results:
    return collect(project, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1)


def test_table_2_has_clean_and_attacked_columns_for_both_models(results: Results) -> None:
    table = tables.performance(results, "P")
    assert table.caption.startswith("Table 2. ")
    assert table.rows[0] == ("toy", "P@1", "95.07", "70.04", "95.33", "78.52")
    assert table.column_groups == [("", 2), ("Base", 2), ("Robust", 2)]
    assert [len(group) for group in table.row_groups] == [3]


def test_the_gap_table_has_every_epsilon_but_the_clean_one(results: Results) -> None:
    rows = tables.robustness_gap(results).rows
    assert [row[:3] for row in rows] == [("toy", "0.05", "15.07"), ("toy", "0.10", "25.03")]


def test_models_are_compared_where_their_tokens_move_as_far(results: Results) -> None:
    table = tables.relative_sizes(results)
    assert [column.name for column in table.columns[4:]] == ["0", "0.1"]
    assert table.rows == (
        ("toy", "xml_cnn", "clean", "bce", "95.07", "80.00"),
        ("toy", "xml_cnn", "adversarial", "bce", "95.33", "90.00"),
    )


def test_calibration_and_thresholds_are_told_before_and_after(results: Results) -> None:
    table = tables.calibration(results)
    assert table.rows[0] == (
        "toy",
        "xml_cnn",
        "clean",
        "bce",
        "1.50",
        "4.00",
        "1.00",
        "70.00",
        "75.00",
        "30.00",
        "40.00",
    )
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_table_3_says_what_is_not_known(project: Path, results: Results) -> None:
    assert tables.processing_time(results).rows == (("toy", "63.1", "7.0", "63.1", "7.0"),)
    for path in project.glob("results/toy/xml_cnn/adversarial/bce/*/timing.json"):
        path.unlink()
    left = collect(project, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1)
    assert tables.processing_time(left).rows == (("toy", "63.1", "7.0", "–", "–"),)


def test_table_1_counts_and_means(results: Results) -> None:
    table = tables.statistics(results)
    assert table.rows == (("toy", "xml_cnn", *("12,345",) * 5, *("3.14",) * 4),)
    assert table.row_headers == 2
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_squeezing_has_every_defence_under_every_attacker(results: Results) -> None:
    rows = tables.squeezing(results).rows
    assert len(rows) == 12
    assert [row[2] for row in rows[:3]] == ["none", "unaware", "aware"]
    assert rows[1] == ("toy", "none", "unaware", *("90.00", "60.00", "40.00", "12.50") * 2)
