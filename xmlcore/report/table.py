"""A table as plain data, from which both the HTML and the Markdown form are made."""

from dataclasses import dataclass
from itertools import groupby

Row = tuple[str, ...]
MISSING = "–"


class Best(str):
    """A cell that stands out, in bold."""


@dataclass(frozen=True)
class Column:
    name: str
    group: str = ""


@dataclass(frozen=True)
class Table:
    """Cells of text; the first `row_headers` columns name the row, the others hold `numbers` or text."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    row_headers: int = 1
    numbers: bool = True

    @property
    def column_groups(self) -> list[tuple[str, int]]:
        """(name, width) of the groups above the columns, left to right."""
        return [(name, len(list(members))) for name, members in groupby(self.columns, lambda c: c.group)]

    @property
    def row_groups(self) -> list[list[Row]]:
        """The rows cut where the first cell changes."""
        return [list(members) for _, members in groupby(self.rows, lambda row: row[0])]


def percent(share: float | None) -> str:
    """A fraction as a percentage of two decimals, as in the paper: 0.9507 is 95.07."""
    return MISSING if share is None else f"{100 * share:.2f}"


def seconds(duration: float | None) -> str:
    return MISSING if duration is None else f"{duration:,.1f}"
