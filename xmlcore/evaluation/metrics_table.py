"""The table across epsilon, a small file for each: what `dvc metrics show` and `dvc exp show` print."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from xmlcore.common.files import write_json
from xmlcore.config.params import format_epsilon

COLUMNS = ("P@1", "P@3", "P@5", "nDCG@3", "nDCG@5", "gap@1")  # nDCG@1 is P@1
DECIMALS = 4


def write_metrics(folder: Path, curve: Iterable[Mapping[str, float]]) -> None:
    """Write eps=0.10.json and its like into `folder`: the `COLUMNS` of each row of `curve`, rounded for a terminal."""
    for row in curve:
        write_row(folder / f"eps={format_epsilon(row['epsilon'])}.json", row)


def write_row(file: Path, row: Mapping[str, Any]) -> None:
    """Write those of the `COLUMNS` that `row` has into `file`, rounded for a terminal."""
    write_json(file, {name: round(row[name], DECIMALS) for name in COLUMNS if name in row})
