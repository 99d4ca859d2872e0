"""One tiny pipeline that has run whole, for the tests that look at it."""

from collections.abc import Iterator

import pytest

from warm_python import commands
from workspace import Workspace


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with commands(tmp_path_factory.mktemp("commands")) as warm:
        workspace = Workspace.scaled_down(tmp_path_factory.mktemp("pipeline"), warm)
        ran = workspace.repro()
        assert {f"train@simulated-rcv1-xml_cnn-{regime}-bce" for regime in ("clean", "adversarial")} <= ran
        yield workspace
