"""The tables of docs/results: rows of finished runs in CSV files, and the pages that show them.

python benchmarks/result_tables.py                                   # write the pages from the CSV files
python benchmarks/result_tables.py record reuters21578 --command "dvc exp run -S 'corpora=[reuters21578]'"
python benchmarks/result_tables.py record reuters21578 --command "..." --table worst_cases

`record` takes what params.yaml lists of a corpus, and its linear classifier, from results/. A cell (corpus, model,
regime, loss) has one training in all tables but those of `APART`: recording it replaces every row that it had in any of
them. With `--table` those tables of `APART` are recorded alone.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from result_pages import write_pages
from xmlcore.common import paths
from xmlcore.common.cli import fail
from xmlcore.common.errors import UserError
from xmlcore.common.files import atomic_file
from xmlcore.common.origin import origin
from xmlcore.config.params import load_params
from xmlcore.report.reading import read_curve

FOLDER = Path(__file__).parents[1] / "docs" / "results"
CELL = ("corpus", "model", "regime", "loss")
ORIGIN = ("command", "commit", "machine", "threads")
Row = dict[str, Any]


class Table(NamedTuple):
    """A CSV file: the file of a cell's results that its rows come from, and how."""

    source: str
    rows: Callable[[Any], Iterable[Row]]


def _list(content: list[Row]) -> list[Row]:
    return content


def _one(content: Row) -> list[Row]:
    return [flatten(content)]


def _checks(content: Row) -> list[Row]:
    failing = [name for name, holds in content["checks"].items() if not holds]
    rest = {key: value for key, value in content.items() if key not in ("checks", "threat_model")}
    return [flatten(rest) | {"checks": len(content["checks"]), "failing": " ".join(failing)}]


def _words(content: Row) -> Iterator[Row]:
    for goal, of_goal in content.items():
        for generator, figures in of_goal.items():
            yield {"goal": goal, "generator": generator} | figures


def _faithfulness(content: Row) -> Iterator[Row]:
    for method, figures in content["methods"].items():
        better = content["better_than_random"].get(method, "")
        yield {"method": method, "documents": content["documents"]} | flatten(figures) | {"better_than_random": better}


def _stability(content: Row) -> Iterator[Row]:
    for method, figures in content["attacked"].items():
        both = {"attacked": figures, "reference": content.get("reference", {}).get(method, {})}
        yield {"method": method, "documents": content["documents"]} | flatten(both)


TABLES = {
    "corpora": Table("evaluate/corpus.json", _one),
    "ranking": Table("evaluate/ranking.json", _one),
    "label_frequency": Table("evaluate/label_bins.json", _list),
    "fgsm": Table("evaluate/fgsm.json", _list),
    "squeezing": Table("evaluate/squeezing.json", _list),
    "training": Table("train/training.json", _one),
    "training_time": Table("train/timing.json", _one),
    "attack_checks": Table("attack_embeddings/checks.json", _checks),
    "attack_curves": Table("attack_embeddings/curves.json", _list),
    "word_attacks": Table("attack_words/summary.json", _words),
    "word_attacks_by_frequency": Table("attack_words/by_frequency.json", _list),
    "faithfulness": Table("explain/study/faithfulness.json", _faithfulness),
    "explanation_time": Table("explain/timing.json", _one),
    "explanation_stability": Table("explain/study/stability.json", _stability),
}
# Of another training of a cell, maybe, than the tables above.
APART = {
    "worst_cases": Table("attack_embeddings/worst_case.json", _one),
    "calibration": Table("evaluate/calibration.json", _one),
    "certificates": Table("certify/certified.json", _one),
}


def flatten(content: Mapping[str, Any], prefix: str = "") -> Row:
    """Return nested mappings as one, keys joined by dots."""
    flat: Row = {}
    for key, value in content.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def read_table(name: str, folder: Path = FOLDER) -> list[dict[str, str]]:
    """Return the rows of a CSV file; none where there is no such file."""
    path = folder / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def write_table(name: str, rows: Sequence[Row], folder: Path = FOLDER) -> None:
    """Write `rows`, sorted by cell, with every column that one of them has."""
    columns = [*dict.fromkeys(key for row in rows for key in row if key not in ORIGIN), *ORIGIN]
    with atomic_file(folder / f"{name}.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for row in sorted(rows, key=lambda row: [row[key] for key in CELL]):
            writer.writerow({key: f"{v:.8g}" if isinstance(v, float) else v for key, v in row.items()})


def record_cell(
    cell: Sequence[str],
    results: Path,
    origin: Mapping[str, str],
    folder: Path = FOLDER,
    tables: Mapping[str, Table] = TABLES | APART,
) -> None:
    """Put what `results` holds of `cell` into the `tables`, in the place of all that they had of it."""
    names = dict(zip(CELL, cell, strict=True))
    for table, (source, rows_of) in tables.items():
        rows = read_table(table, folder)
        kept = [row for row in rows if any(row[key] != names[key] for key in CELL)]
        path = results.joinpath(*cell, source)
        new = [names | row | origin for row in rows_of(json.loads(path.read_bytes()))] if path.exists() else []
        if new or len(kept) < len(rows):
            write_table(table, [*kept, *new], folder)
    if not TABLES.keys() <= tables.keys():
        return
    curve = read_curve(results.joinpath(*cell, "train/learning/plots/metrics/validation_P@1.tsv"))
    rows = read_table("learning", folder)
    kept = [row for row in rows if any(row[key] != names[key] for key in CELL)]
    new = [names | {"epoch": epoch, "validation_P@1": value} | origin for epoch, value in curve]
    if new or len(kept) < len(rows):
        write_table("learning", [*kept, *new], folder)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def pages(context: typer.Context) -> None:
    """Write the pages of docs/results from the CSV files."""
    if context.invoked_subcommand is None:
        write_pages(FOLDER, read_table)


@app.command()
def record(
    corpus: str,
    command: Annotated[str, typer.Option(help="What was typed to make the results.")],
    table: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(APART)}: these alone.")] = None,
) -> None:
    """Record what params.yaml lists of CORPUS, and its linear classifier, from results/, and write the pages."""
    params, made_by = load_params(), origin(command)
    unknown = {*(table or ())} - APART.keys()
    if unknown:
        raise UserError(f"--table: {', '.join(sorted(unknown))}: none of {', '.join(APART)}")
    tables = {name: APART[name] for name in table} if table else TABLES | APART
    for cell in [*product([corpus], params.models, params.regimes, params.losses), (corpus, *paths.LINEAR)]:
        if not paths.RESULTS.joinpath(*cell).is_dir():
            raise UserError(f"{paths.RESULTS.joinpath(*cell)}: no results; run `dvc repro` with the corpus listed")
        record_cell(cell, paths.RESULTS, made_by, tables=tables)
    write_pages(FOLDER, read_table)


if __name__ == "__main__":
    try:
        app()
    except UserError as error:
        fail(str(error))
