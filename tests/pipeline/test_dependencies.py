"""dvc.yaml from the other side: what each stage imports and looks up, against what it names."""

import runpy
import shlex
import sys
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import torch
from dvc.repo import Repo
from pydantic import BaseModel
from ruamel.yaml import YAML
from workspace import ROOT, Workspace

from xmlcore.common.source_code import PACKAGE, import_closure, module_file
from xmlcore.config import params as params_module
from xmlcore.config.architectures import ARCHITECTURES

CELL = "simulated-rcv1-xml_cnn-adversarial-bce"
pytestmark = pytest.mark.xdist_group("pipeline")
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


def leaves(section: Any, path: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yield every parameter: the section that holds it, its name there, and its dotted path."""
    for name, value in section.items() if isinstance(section, dict) else section:
        here = f"{path}.{name}" if path else name
        if isinstance(value, (BaseModel, dict)) and value:
            yield from leaves(value, here)
        elif isinstance(section, BaseModel):
            yield here, section, name


STUDIED = [
    f"{stage}@{CELL}"
    for stage in ("train", "evaluate", "explain", "attack_embeddings", "attack_words", "explain_attacks")
] + ["encode@simulated-rcv1-xml_cnn", "build_embedding@simulated-rcv1-xml_cnn", "learn_language@simulated-rcv1"]
# Read to be checked against one another, whatever a stage asks for; or read by dvc.yaml alone.
CHECKED = ("corpora", "models", "vectors", "checkpoints", "lexicons", "launch")


@pytest.mark.parametrize("name", STUDIED)
def test_a_stage_names_every_parameter_that_it_looks_up(
    workspace: Workspace, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stage is run with parameters that remember who asked for them."""
    stage = next(stage for stage in Repo(str(workspace.folder)).index.stages if stage.name == name)
    named = {key for dep in stage.params for key in dep.params}
    monkeypatch.chdir(workspace.folder)
    asked: set[str] = set()
    load = params_module.load_params

    def watched(*args: Any) -> Any:
        params = load(*args)
        known = {(id(section), key): path for path, section, key in leaves(params)}
        sections = {id(section): section for _, section, _ in leaves(params)}
        plain = BaseModel.__getattribute__

        def remember(self: Any, key: str) -> Any:
            if (id(self), key) in known and sections[id(self)] is self:
                asked.add(known[id(self), key])
            return plain(self, key)

        monkeypatch.setattr(params_module.Section, "__getattribute__", remember)
        return params

    monkeypatch.setattr(params_module, "load_params", watched)
    monkeypatch.setattr(sys, "argv", shlex.split(stage.cmd)[1:])
    precision = torch.get_float32_matmul_precision()
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(sys.argv[0], run_name="__main__")
    torch.set_float32_matmul_precision(precision)  # training has set it for the process
    assert stopped.value.code in (0, None)
    unnamed = {
        path
        for path in asked
        if path not in CHECKED and not any(path == key or path.startswith(f"{key}.") for key in named)
    }
    assert unnamed == set(), f"{name} reads parameters that dvc.yaml does not name"
    assert asked, f"{name} was not watched"


def changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else value / 2 + 0.001 if isinstance(value, float) else None


def test_a_changed_parameter_makes_stale_what_names_it_and_nothing_else(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every number in params.yaml is changed once, in memory, and DVC is asked which stages are stale."""
    stages = [stage for stage in Repo(str(workspace.folder)).index.stages if stage.params]
    content = YAML(typ="safe").load(workspace.folder / "params.yaml")

    def look_up(fs: Any, path: str, keys: list[str], flatten: bool = True) -> dict[str, Any]:
        return {key: reduce(lambda section, part: section[part], key.split("."), content) for key in keys}

    monkeypatch.setattr("dvc.dependency.param.read_param_file", look_up)
    for place in list(numbers(content)):
        holder = reduce(lambda section, part: section[part], place[:-1], content)
        value, parameter = holder[place[-1]], ".".join(place)
        holder[place[-1]] = changed(value)
        stale = {stage.name for stage in stages if any(dep.workspace_status() for dep in stage.params)}
        holder[place[-1]] = value
        kinds = {name.split("@")[0] for name in stale}
        if parameter.startswith("model.xml_cnn."):
            assert stale == {"configure@simulated-rcv1-xml_cnn"}, parameter
        elif parameter.startswith("model."):
            assert not stale, parameter
        elif parameter.startswith("regime.adversarial."):
            assert stale == {f"train@{CELL}"}, parameter
        elif place[0] == "regime":
            assert kinds <= {"train"} and not [name for name in stale if "adversarial" in name], parameter
        elif place[0] == "fgsm":
            assert kinds == ({"evaluate", "attack_embeddings", "attack_words"} if place[1] == "bits" else {"evaluate"})
        elif place[0] in ("predict", "propensity", "metrics"):
            assert kinds == {"evaluate"}, parameter
        elif place[0] == "masked_lm":
            assert kinds == {"learn_language"}, parameter
        elif place[:2] == ("explain", "study"):
            assert kinds == {"explain"}, parameter
        elif parameter == "seed":
            assert kinds >= {"fetch", "encode", "build_embedding", "train", "explain", "attack_words"}
        elif place[0] == "corpus":
            assert kinds <= {"fetch", "configure"} and all(place[1] in name for name in stale), parameter
        elif place[0] in ("robustness", "words", "explain", "encode"):
            assert kinds, parameter


def numbers(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the place of every number in nested mappings."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from numbers(each, (*place, key))
    elif changed(value) is not None:
        yield place
