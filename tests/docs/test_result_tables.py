"""The tables of docs/results: pages and CSV files agree, a cell has one training, a finished run can be recorded."""

import csv
import json
from pathlib import Path

import pytest

import result_pages
import result_tables
from result_tables import APART, CELL, FOLDER, ORIGIN, TABLES, read_table, record_cell
from xmlcore.common.errors import UserError

OTHERS = ("peers", "learning", "seeds", "word_seeds")
ORIGIN_OF_RUN = {"command": "dvc repro", "commit": "abc", "machine": "x86_64, 2 cores", "threads": "1"}
TOY = ("toy", "xml_cnn", "clean", "bce")


@pytest.mark.parametrize("page", sorted(path.name for path in FOLDER.glob("*.md")))
def test_pages_are_drawn_from_the_tables(page: str) -> None:
    text = (FOLDER / page).read_text(encoding="utf-8")
    assert result_pages.fill(text, read_table) == text, "run `make docs`"


def test_every_row_says_what_made_it() -> None:
    for name in (*TABLES, *APART, *OTHERS):
        rows = read_table(name)
        assert rows, name
        assert all(row["command"] and row["machine"] and row["threads"] for row in rows), name


@pytest.mark.parametrize("file", sorted(FOLDER.rglob("*.csv")), ids=lambda file: file.stem)
def test_every_row_has_as_many_values_as_there_are_columns(file: Path) -> None:
    with file.open(encoding="utf-8", newline="") as lines:
        columns, *rows = csv.reader(lines)
    assert [row for row in rows if len(row) != len(columns)] == []


def test_a_cell_has_one_training() -> None:
    trainings: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for name in TABLES:
        for row in read_table(name):
            trainings.setdefault(tuple(row[key] for key in CELL), set()).add(tuple(row[key] for key in ORIGIN))
    assert {cell: origins for cell, origins in trainings.items() if len(origins) > 1} == {}


def test_ranking_and_fgsm_tell_the_same_of_a_model_without_a_defence() -> None:
    ranking = {tuple(row[key] for key in CELL): row for row in read_table("ranking")}
    compared = 0
    for row in read_table("fgsm"):
        cell = tuple(row[key] for key in CELL)
        if float(row["epsilon"]) == 0 and row["regime"] == "clean" and cell in ranking:
            assert [row[f"P@{k}"] for k in (1, 3, 5)] == [ranking[cell][f"P@{k}"] for k in (1, 3, 5)], cell
            compared += 1
    assert compared > 4


def test_a_run_is_recorded_in_the_place_of_an_older_one(tmp_path: Path) -> None:
    results, tables = tmp_path / "results", tmp_path / "tables"
    tables.mkdir()
    place = results.joinpath(*TOY)
    for source, content in {
        "evaluate/ranking.json": {"P@1": 0.5},
        "evaluate/fgsm.json": [{"epsilon": 0.0, "P@1": 0.5}, {"epsilon": 0.1, "P@1": 0.25}],
        "attack_embeddings/checks.json": {"P@1": {"clean": 0.5}, "threat_model": "", "checks": {"a": True, "b": False}},
    }.items():
        (place / source).parent.mkdir(parents=True, exist_ok=True)
        (place / source).write_text(json.dumps(content))
    record_cell(TOY, results, ORIGIN_OF_RUN, tables)
    assert [row["P@1"] for row in read_table("fgsm", tables)] == ["0.5", "0.25"]
    (checks,) = read_table("attack_checks", tables)
    assert (checks["P@1.clean"], checks["checks"], checks["failing"]) == ("0.5", "2", "b")

    (place / "attack_embeddings" / "checks.json").unlink()
    (place / "evaluate" / "fgsm.json").write_text(json.dumps([{"epsilon": 0.0, "P@1": 0.75}]))
    record_cell(TOY, results, ORIGIN_OF_RUN | {"commit": "def"}, tables)
    assert [(row["P@1"], row["commit"]) for row in read_table("fgsm", tables)] == [("0.75", "def")]
    assert read_table("attack_checks", tables) == []


def test_a_table_apart_is_recorded_alone(tmp_path: Path) -> None:
    results, tables = tmp_path / "results", tmp_path / "tables"
    tables.mkdir()
    place = results.joinpath(*TOY)
    for source, content in (("evaluate/ranking.json", {"P@1": 0.5}), ("evaluate/calibration.json", {"micro_F1": 0.25})):
        (place / source).parent.mkdir(parents=True, exist_ok=True)
        (place / source).write_text(json.dumps(content))
    record_cell(TOY, results, ORIGIN_OF_RUN, tables, {"calibration": APART["calibration"]})
    assert [row["micro_F1"] for row in read_table("calibration", tables)] == ["0.25"]
    assert read_table("ranking", tables) == []


def attacked(seed: int, loss: str, lowest: int, right: float, success: float) -> dict[str, str]:
    names = {
        "corpus": "toy",
        "model": "mach",
        "loss": loss,
        "seed": str(seed),
        "goal": "positive",
        "generator": "deletion",
    }
    rates = {"clean_accuracy": right, "success_rate": success, "accuracy_under_attack": right * (1 - success)}
    return names | {"lowest": str(lowest), "samples": "200"} | {key: str(value) for key, value in rates.items()}


def test_attacks_of_all_seeds_are_told_together_and_losses_by_seed() -> None:
    # the second seed's ranges begin elsewhere, and stand in another order
    rows = [attacked(7, "bce", 1, 1.0, 0.9), attacked(7, "bce", 5, 1.0, 0.5)]
    rows += [attacked(8, "bce", 6, 1.0, 0.3), attacked(8, "bce", 2, 1.0, 0.8)]
    rows += [attacked(7, "pw", 1, 0.8, 0.75), attacked(7, "pw", 5, 1.0, 0.5)]
    rows += [attacked(8, "pw", 2, 0.8, 0.5), attacked(8, "pw", 6, 0.7, 0.0)]

    cells = {
        name: result_pages.VIEWS[name](lambda table: rows).splitlines()[2:]
        for name in result_pages.VIEWS
        if name.startswith("word_seeds")
    }
    # 500 of 800, and of the rarest ranges 340 of 400: Wilson's intervals by Brown, Cai and DasGupta 2001, eq. 4
    assert "| 2 | 800 / 0 / 0 | 62.5 [59.1, 65.8] |" in cells["word_seeds"][0]
    assert "| 2 | 85.0 [81.2, 88.2] | 40.0 [35.3, 44.9] |" in cells["word_seeds_frequency"][0]
    # right after, rarest: 0.2 and 0.4 where BCE leaves 0.1 and 0.2; Student's t of one degree of freedom is 12.706
    assert "| `pw` | 2 | +15.0 [-48.5, +78.5] | +0.0 [+0.0, +0.0] |" in cells["word_seeds_losses"][0]


def test_a_model_that_was_right_about_nothing_has_no_share_of_attacks_that_succeed() -> None:
    shown = result_pages.VIEWS["word_seeds_frequency"](lambda table: [attacked(7, "bce", 1, 0.0, 0.0)])
    assert shown.splitlines()[2] == "| toy | `mach` | `bce` | `deletion` | 1 |  |  |  |  |"


def test_a_table_that_is_none_is_named() -> None:
    with pytest.raises(UserError, match="no such table; choose one of models"):
        result_pages.fill("<!-- nope -->\n<!-- end -->", read_table)


def test_the_readme_is_short() -> None:
    assert len((Path(result_tables.__file__).parents[1] / "README.md").read_text(encoding="utf-8").splitlines()) <= 250
