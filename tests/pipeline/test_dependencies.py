"""dvc.yaml from the other side: the code that a stage runs, against what it names."""

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from workspace import ROOT, Workspace

STAGES: dict[str, dict[str, Any]] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
TRACED = [name for name in STAGES if name != "trace_imports"]  # itself, it names the whole library


def script_of(stage: dict[str, Any]) -> str:
    (script,) = (word for word in stage["cmd"].split() if word.startswith("stages/"))
    return script.removeprefix("stages/").removesuffix(".py")


@pytest.mark.parametrize("name", TRACED)
def test_a_stage_names_its_script_and_what_that_imports(name: str) -> None:
    stage = STAGES[name]
    script = script_of(stage)
    assert stage["deps"][:2] == [f"stages/{script}.py", f"imports/{script}.json"]


@pytest.mark.parametrize("script", sorted({script_of(stage) for stage in STAGES.values()}))
def test_a_stage_has_imported_no_more_than_what_was_traced(workspace: Workspace, script: str) -> None:
    """The modules of `xmlcore` that its process had when it ended are those of its script or of its architecture."""
    imports = workspace.folder / "imports"
    traced = set(json.loads((imports / f"{script}.json").read_bytes()))
    if any(dep.endswith("architecture.json") for dep in STAGES[script]["deps"]):
        traced |= set(json.loads((imports / "architectures.json").read_bytes()))
    files = (workspace.imported / f"{script}.txt").read_text().splitlines()
    imported = {Path(file).relative_to(workspace.folder.resolve()).as_posix() for file in files}
    assert "xmlcore/common/cli.py" in imported
    assert imported <= traced
