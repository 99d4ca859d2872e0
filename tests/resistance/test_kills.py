"""A few stages killed while they write and at any moment; `benchmarks/kills.py` kills every stage."""

from pathlib import Path

import pytest

from kills import TRAININGS, Stage, Trial, compare_stages, kind, stages_of, trainings
from workspace import Workspace

SCRIPT = "import time; from pathlib import Path; out = Path('out'); "
WHOLE = SCRIPT + "out.mkdir(); (out / 'a').write_text('1'); (out / 'b').touch()"
HALF = SCRIPT + "out.mkdir(exist_ok=True); (out / 'a').write_text('1'); time.sleep(9)"
STRAY = SCRIPT + "Path('stray').touch(); time.sleep(9)"


@pytest.mark.slow
def test_stages_that_were_killed_give_what_undisturbed_ones_do(tmp_path: Path) -> None:
    assert (
        sum(killed for *_, killed in compare_stages(tmp_path, 2, 0, ("fetch", "convert", "configure", "encode"))) == 8
    )


@pytest.mark.parametrize(
    ("command", "complaint"), [(HALF, "out is half written"), (STRAY, "stray was left behind")], ids=["half", "left"]
)
def test_what_is_half_written_or_left_is_seen(tmp_path: Path, command: str, complaint: str) -> None:
    reference, killed = Workspace(tmp_path / "reference"), Workspace(tmp_path / "killed")
    for workspace in (reference, killed):
        workspace.folder.mkdir()
    reference.run("python", "-c", WHOLE)
    stage = Stage("toy", ["python", "-c", command], [Path("out")], persistent=False)
    trial = Trial(killed, reference, stage, 4, seed=0)
    with pytest.raises(AssertionError, match=complaint):
        for _ in range(9):
            trial.kill(writing=False)


def test_the_trainings_that_are_killed_are_those_of_every_kind_of_model(tmp_path: Path) -> None:
    workspace = Workspace.scaled_down(tmp_path / "killed")
    workspace.edit(trainings)
    found = [stage.name for stage in stages_of(workspace, TRAININGS) if kind(stage.name) in TRAININGS]
    assert len(found) == 7  # six architectures, and the masked language model
