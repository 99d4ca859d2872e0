"""Texts that a user gives: files read line by line, in constant memory, with the place of each for complaints.

The format is by the name: `.jsonl`, `.csv` and `.tsv` (a header names the columns), `.parquet` and `.arrow` (by
pyarrow, which is optional), anything else is plain text, one document a line; text may be compressed by gzip or bzip2.
Standard input is plain text.
"""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from xmlcore.common.errors import UserError
from xmlcore.corpora.text_files import MAX_LINE_BYTES, numbered_lines

Format = Literal["text", "jsonl", "csv", "tsv", "parquet", "arrow"]
FORMATS: dict[str, Format] = {f".{kind}": kind for kind in get_args(Format) if kind != "text"}
NAME_TEXT = "mend it, or name the field of the text (--text-column; in params.yaml convert.fields.text)"
DELIMITERS = {"csv": ",", "tsv": "\t"}


class Columns(NamedTuple):
    """What the fields of a file are called, and how its labels are joined."""

    text: str = "text"
    labels: str = "labels"
    id: str = "id"
    separator: str = " "


class Given(NamedTuple):
    """A text with what was said of it."""

    place: str  # file:line
    id: str  # "" where it has none
    text: str
    labels: list[str] | None


def format_of(path: Path) -> Format:
    """Return the format that the name of `path` tells."""
    return FORMATS.get(Path(path.name.removesuffix(".gz").removesuffix(".bz2")).suffix.lower(), "text")


def read_texts(
    path: Path | None,
    columns: Columns,
    skip: Callable[[str], None] | None = None,
    labelled: bool = False,
) -> Iterator[Given]:
    """Stream the documents of `path`, or of standard input.

    A bad line is told to `skip`, and left out; without it `UserError` is raised, naming file and line. `labelled` asks
    for a field of labels.
    """
    for row in _rows(path, columns):
        if isinstance(row, Given):
            fault = f"no field {columns.labels!r} with labels" if labelled and row.labels is None else None
            if not fault:
                yield row
                continue
            row = UserError(f"{row.place}: {fault}; name it by --labels-column")
        if skip is None:
            raise row
        skip(str(row))


def _rows(path: Path | None, columns: Columns) -> Iterator[Given | UserError]:
    if path is None:
        return _text(_standard_input(), "standard input", columns)
    kind = format_of(path)
    if kind in ("parquet", "arrow"):
        try:
            from xmlcore.corpora.arrow_tables import read_table
        except ImportError:
            raise UserError(
                f"{path}: reading it needs pyarrow: `pip install pyarrow`, or give .jsonl or .csv"
            ) from None
        return (_given(place, row, columns) for place, row in read_table(path, columns))
    lines, read = numbered_lines(path), {"text": _text, "jsonl": _jsonl}.get(kind)
    return read(lines, str(path), columns) if read else _table(lines, str(path), columns, DELIMITERS[kind])


def _standard_input() -> Iterator[tuple[int, str]]:
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            yield number, line.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise UserError(f"standard input:{number}: not utf-8; convert the text to utf-8") from None


def _text(lines: Iterable[tuple[int, str]], name: str, columns: Columns) -> Iterator[Given | UserError]:
    for number, line in lines:
        yield Given(f"{name}:{number}", "", line, None)


def _jsonl(lines: Iterable[tuple[int, str]], name: str, columns: Columns) -> Iterator[Given | UserError]:
    for number, line in lines:
        place = f"{name}:{number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield UserError(f"{place}: not JSON ({error}); mend or remove the line")
            continue
        yield _given(place, row, columns)


def _given(place: str, row: Any, columns: Columns) -> Given | UserError:
    """Return the document of a `row` of named fields."""
    if not isinstance(row, dict) or not isinstance(row.get(columns.text), str):
        return UserError(f"{place}: no object with a string {columns.text!r}; {NAME_TEXT}")
    try:
        labels = _labels(row.get(columns.labels), columns.separator)
    except ValueError as error:
        return UserError(f"{place}: {columns.labels!r} {error}")
    own = row.get(columns.id)
    return Given(place, "" if own is None else str(own), row[columns.text], labels)


def _labels(given: Any, separator: str) -> list[str] | None:
    """Return the labels that `given` means: a list of names or numbers, one of them, a string of several, or a vector.

    A vector, of booleans or of the floats 0 and 1, has the numbers of those that are true. Raises `ValueError`.
    """
    if given is None:
        return None
    if isinstance(given, str):
        return _clean(given.split(separator))
    labels = given if isinstance(given, list) else [given]
    if isinstance(given, list) and (_all(bool, labels) or (_all(float, labels) and {*labels} <= {0, 1})):
        return [str(number) for number, value in enumerate(labels) if value]
    if not all(isinstance(label, str | int) and not isinstance(label, bool) for label in labels):
        raise ValueError("is no list of labels; mend or remove the line")
    if _all(int, labels) and {*labels} <= {0, 1} and len({*labels}) < len(labels):
        raise ValueError("looks like a vector of 0 and 1; write true and false, or the numbers of those that are 1")
    return _clean(map(str, labels))


def _all(kind: type, labels: list[Any]) -> bool:
    return all(type(label) is kind for label in labels)


def _table(
    lines: Iterable[tuple[int, str]], name: str, columns: Columns, delimiter: str
) -> Iterator[Given | UserError]:
    reader = csv.reader((f"{line}\n" for _, line in lines), delimiter=delimiter)
    header: list[str] = []
    rows = iter(reader)
    while True:
        limit = csv.field_size_limit(MAX_LINE_BYTES)  # of the process, so it is put back
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield UserError(f"{name}:{reader.line_num}: not CSV ({error}); mend or remove the line")
            continue
        finally:
            csv.field_size_limit(limit)
        place = f"{name}:{reader.line_num}"
        if not header:
            header = [field.strip() for field in row]
            if columns.text not in header:
                known = ", ".join(header)[:200]
                raise UserError(f"{place}: no column {columns.text!r} among {known}; {NAME_TEXT}")
            continue
        if not row:
            continue
        if len(row) != len(header):
            yield UserError(f"{place}: {len(row)} fields where the header has {len(header)}; mend or remove the line")
            continue
        values = dict(zip(header, row, strict=True))
        labels = values.get(columns.labels)
        split = None if labels is None else _clean(labels.split(columns.separator))
        yield Given(place, values.get(columns.id, ""), values[columns.text], split)


def _clean(labels: Iterable[str]) -> list[str]:
    return [label.strip() for label in labels if label.strip()]
