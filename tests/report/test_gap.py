from pathlib import Path

import pytest

from xmlcore.report.collect import collect
from xmlcore.report.sections.gap import gap_reduction


def test_the_reduction_is_the_paper_s_own_figure(project: Path) -> None:
    """P@1 of RCV1 in table 2 of Sapkal and Savalia (2025); their section 6.2.2 says 32.8 %."""
    results = collect(project, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1)
    assert gap_reduction(results.experiments[0], 0.1) == pytest.approx((0.2503 - 0.1681) / 0.2503)


def test_no_gap_no_reduction(project: Path) -> None:
    results = collect(project, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1)
    assert gap_reduction(results.experiments[0], 0.0) is None
    alone = collect(project, ["toy"], ["xml_cnn"], ["clean"], ["bce"], 0.1)
    assert gap_reduction(alone.experiments[0], 0.1) is None
