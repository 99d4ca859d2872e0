"""dvc.yaml from the other side: what each stage imports and looks up, against what it names."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from workspace import ROOT

from xmlcore.common.source_code import PACKAGE, import_closure, module_file
from xmlcore.config.architectures import ARCHITECTURES

WIDE = ("xmlcore/common", "xmlcore/config", "xmlcore/explain")  # folders of which a stage may not use every module
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def script_of(stage: dict[str, Any]) -> Path:
    return ROOT / next(word for word in stage["cmd"].split() if word.startswith("stages/"))


def code_of(stage: dict[str, Any]) -> list[str]:
    return [dep for dep in stage["deps"] if dep.startswith("xmlcore/")]


def modules_below(dep: str) -> set[str]:
    path = ROOT / dep
    files = [path] if path.is_file() else path.rglob("*.py")
    return {str(file.relative_to(ROOT)) for file in files if file.name not in ("__init__.py", "results.py")}


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_names_all_the_code_that_it_imports_and_little_else(name: str) -> None:
    stage = STAGES[name]
    closure = {
        str(path.relative_to(ROOT))
        for path in import_closure([script_of(stage)])
        if PACKAGE in path.parents and path.name != "__init__.py"
    }
    deps = code_of(stage)
    missing = {module for module in closure if not any(module == dep or module.startswith(f"{dep}/") for dep in deps)}
    assert missing == set(), f"{name} reads modules that dvc.yaml does not name"
    if name == "configure":  # its digest is of architectures and of all that they import
        return
    for dep in deps:
        if dep not in WIDE:
            assert modules_below(dep) <= closure, f"{name} names {dep}, which is more than it imports"


def test_configure_names_whatever_an_architecture_may_import() -> None:
    files = [module_file(architecture.module) for architecture in ARCHITECTURES.values()]
    closure = {str(path.relative_to(ROOT)) for path in import_closure([file for file in files if file])}
    deps = code_of(STAGES["configure"])
    assert {each for each in closure if not each.startswith(tuple(deps)) and not each.endswith("__init__.py")} == set()
