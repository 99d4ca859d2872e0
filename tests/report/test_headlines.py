from pathlib import Path

import pytest

from xmlcore.report.collect import collect
from xmlcore.report.sections.headlines import gap_reduction, headlines


def test_the_headline_is_the_paper_s_own_figure(project: Path) -> None:
    """P@1 of RCV1 in Table 2 of the paper; section 6.2.2 says 32.8 %."""
    (headline,) = headlines(collect(project, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1))
    assert (headline.clean, headline.attacked) == ("95.07 → 95.33", "70.04 → 78.52")
    assert headline.reduction == pytest.approx((0.2503 - 0.1681) / 0.2503)


def test_no_gap_no_reduction(project: Path) -> None:
    results = collect(project, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1)
    assert gap_reduction(results.experiments[0], 0.0) is None
    assert gap_reduction(results.experiments[1], 0.2) is None
