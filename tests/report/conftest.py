from pathlib import Path

import pytest
from disk import write_project
from trust import write_trust


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """`toy` complete, base and robust; `other` with committed metrics of the base model alone, at another epsilon."""
    write_project(tmp_path)
    return tmp_path


@pytest.fixture
def trusted(project: Path) -> Path:
    """The same with sanity checks, faithfulness, stability and a gallery of both models of `toy`."""
    write_trust(project)
    return project
