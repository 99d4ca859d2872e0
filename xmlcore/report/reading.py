"""Reading what the stages left: a broken file is refused in one line with its name, the wrong key and the mend."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from xmlcore.common.errors import UserError, first_complaint

Kind = TypeVar("Kind")
MEND = "remove the file and run `dvc repro` to write it again"


def read_json(path: Path, kind: type[Kind]) -> Kind | None:
    """Read the JSON file `path` as a `kind`; return None where there is no such file.

    Raises:
        UserError: the file is no JSON, lacks a key or holds a value of another type.
    """
    if not path.exists():
        return None
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except ValidationError as error:
        raise _refusal(str(path), error) from None


def read_json_lines(path: Path, kind: type[Kind]) -> Iterator[Kind]:
    """Read every line of `path` as the JSON of a `kind`; yield none where there is no such file.

    Raises:
        UserError: a line is no JSON, lacks a key or holds a value of another type.
    """
    if not path.exists():
        return
    adapter = TypeAdapter(kind)
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield adapter.validate_json(line)
            except ValidationError as error:
                raise _refusal(f"{path}: line {number}", error) from None


def _refusal(place: str, error: ValidationError) -> UserError:
    return UserError(f"{place}: {first_complaint(error)}; {MEND}")


def read_curve(path: Path) -> tuple[tuple[int, float], ...]:
    """Read a dvclive learning curve (TSV: `step` and, last, the value) as (step, value) points.

    There are none where there is no file.

    Raises:
        UserError: a line is not a step and a number.
    """
    if not path.exists():
        return ()
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines, delimiter="\t")
        try:
            step = next(rows, []).index("step")
            return tuple((int(row[step]), float(row[-1])) for row in rows)
        except (ValueError, IndexError, csv.Error):
            raise UserError(f"{path}: line {rows.line_num}: expected a step and a number; {MEND}") from None
