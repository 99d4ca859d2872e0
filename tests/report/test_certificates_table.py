"""Certificates in the report: clean, attacked and certified P@k, and models without bounds."""

from pathlib import Path

from disk import write
from trust import PLACES, certification

from xmlcore.report.collect import collect
from xmlcore.report.sections.certificates import certificates
from xmlcore.report.table import Fails, Holds, NotAsked, Table


def table(root: Path) -> Table:
    return certificates(collect(root, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1))


def test_a_row_for_each_model_that_was_certified(trusted: Path) -> None:
    (trusted / "results" / PLACES[1] / "certify/certified.json").unlink()
    first, third = ("94.00", "90.00", "85.00", "87.00"), ("38.00", "36.00", "34.00", "35.00")
    shares = (*first, *third, "23.00", "22.00", "21.00", "21.50")
    (row,) = table(trusted).rows
    assert row == ("toy", "xml_cnn", "clean", "bce", "3,000", "1.25", *shares, "✓ all hold")
    assert isinstance(row[-1], Holds)


def test_no_bounds_and_broken_certificates_are_told(trusted: Path) -> None:
    for place, changes in zip(PLACES, ({"certified": None, "certified_few": None}, {"violations": 2}), strict=True):
        write(trusted / "results" / place / "certify/certified.json", certification() | changes)
    without, broken = table(trusted).rows
    assert (without[8], without[-1], broken[-1]) == ("–", "does not apply", "✗ 2 broken")
    assert isinstance(without[-1], NotAsked) and isinstance(broken[-1], Fails)
