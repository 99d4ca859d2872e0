"""One tiny pipeline that has run whole, for the tests that look at it."""

import pytest
from workspace import Workspace


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace.scaled_down(tmp_path_factory.mktemp("pipeline"))
    ran = workspace.repro()
    assert {f"train@simulated-rcv1-xml_cnn-{regime}-bce" for regime in ("clean", "adversarial")} <= ran
    return workspace
