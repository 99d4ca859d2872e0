"""A table as plain data, from which both the HTML and the Markdown form are made."""

from dataclasses import dataclass
from itertools import groupby

from xmlcore.common.intervals import Interval

Row = tuple[str, ...]
MISSING = "–"
NOT_APPLICABLE = "does not apply"
NAMES = ("Corpus", "Model", "Regime", "Loss")  # of the columns that say which trained model a row is of


class Best(str):
    """A cell that stands out, in bold."""


class Holds(str):
    """A cell that says that a check holds; its text says so too, for who sees no colours."""


class Fails(str):
    """A cell that says that a check fails."""


class NotAsked(str):
    """A cell that says that a check does not apply."""


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
    """Return a fraction as a percentage of two decimals, as in Sapkal and Savalia (2025): 0.9507 is 95.07."""
    return MISSING if share is None else f"{100 * share:.2f}"


def figure(value: float | None, decimals: int = 2) -> str:
    """Return the text of a number that is no share, such as a correlation."""
    return MISSING if value is None else f"{value:.{decimals}f}"


def interval(found: Interval | None) -> str:
    """Return the text of a mean with its confidence interval: 0.80 [0.70, 0.90]."""
    return MISSING if found is None else f"{found['mean']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"


def verdict(holds: bool | None, yes: str = "holds", no: str = "fails") -> str:
    """Return the outcome of a check as a cell with a sign and a word; None is that of a check that does not apply."""
    if holds is None:
        return NotAsked("does not apply")
    return Holds(f"✓ {yes}") if holds else Fails(f"✗ {no}")


def seconds(duration: float | None) -> str:
    return MISSING if duration is None else f"{duration:,.1f}"
