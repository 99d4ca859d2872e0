"""The worst case in the report: P@1 after each attack in turn."""

from pathlib import Path

from trust import PLACES

from xmlcore.report.collect import collect
from xmlcore.report.sections.worst_cases import worst_cases


def test_every_attack_in_turn_with_the_interval_of_the_last(trusted: Path) -> None:
    (trusted / "results" / PLACES[1] / "attack_embeddings/worst_case.json").unlink()
    table = worst_cases(collect(trusted, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1))
    shares = ("94.00", "58.00", "40.00", "36.00", "35.00", "34.00", "33.50", "31.00 to 36.00")
    assert table.rows == (("toy", "xml_cnn", "clean", "bce", "1,000", "0.10", "0.17", *shares),)
