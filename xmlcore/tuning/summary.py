"""What is told of the trials of a tuning: a line of each, a table on a terminal, and the same in a CSV file."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from xmlcore.common.files import atomic_file
from xmlcore.common.yaml_edits import as_flow
from xmlcore.tuning.study import Study, Trial


def last_trial(study: Study) -> str:
    """Return a line about the trial that ended last."""
    number, trial = len(study.trials) - 1, study.trials[-1]
    ended = "given up after" if trial.given_up else "in"
    best = f"the best so far {study.best.precision:.4f}, trial {study.trials.index(study.best)}"
    return (
        f"trial {number}: validation P@1 {trial.precision:.4f}, {ended} {len(trial.precisions)} epochs, "
        f"{trial.seconds:g} s; {best}"
    )


def verdict(study: Study, place: str, documents: int) -> str:
    """Return a line about the winner, whose values went to `place`, by `documents` of validation."""
    own, best = study.trials[0].precision, study.best.precision
    if not study.gain:
        return f"nothing was better than the recipe's own values, validation P@1 {own:.4f}: params.yaml is as it was"
    return (
        f"params.yaml: {as_flow(study.gain)[1:-1]} written to {place}: validation P@1 {best:.4f}, the recipe's own "
        f"values {own:.4f}; {round((best - own) * documents)} of {documents} documents more"
    )


def _rows(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Return a row of each of `trials`, at least one."""
    return [
        {"trial": number}
        | trial.values
        | {
            "validation_P@1": round(trial.precision, 4),
            "epochs": len(trial.precisions),
            "seconds": trial.seconds,
            "given_up": "yes" if trial.given_up else "no",
        }
        for number, trial in enumerate(trials)
    ]


def write_csv(path: Path, trials: Sequence[Trial], origin: dict[str, str]) -> None:
    """Write the table of `trials`; every row also says its `origin`."""
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*_rows(trials)[0], *origin], lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | origin for row in _rows(trials))


def terminal_table(trials: Sequence[Trial], title: str) -> Table:
    """Return the table of `trials` with the best ones first."""
    table = Table(title=title)
    for column in _rows(trials)[0]:
        table.add_column(column.replace(".", ".\n"), overflow="fold")
    for row in sorted(_rows(trials), key=lambda row: row["validation_P@1"], reverse=True):
        table.add_row(*map(str, row.values()))
    return table
