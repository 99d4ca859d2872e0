"""Votes of random copies in the report."""

from pathlib import Path

from trust import PLACES

from xmlcore.report.collect import collect
from xmlcore.report.sections.smoothing import smoothing


def test_a_row_for_what_was_voted_and_for_each_radius(trusted: Path) -> None:
    (trusted / "results" / PLACES[1] / "smooth/smoothed.json").unlink()
    rows = smoothing(collect(trusted, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1)).rows
    assert [row[4:] for row in rows] == [
        ("small changes of all embeddings", "as voted", "100", "93.00", "37.00", "22.00"),
        ("small changes of all embeddings", "0.001", "100", "80.00", "30.00", "20.00"),
        ("any change of some words", "as voted", "100", "93.00", "37.00", "22.00"),
        ("any change of some words", "2", "100", "80.00", "30.00", "20.00"),
    ]
    assert {row[:4] for row in rows} == {("toy", "xml_cnn", "clean", "bce")}
