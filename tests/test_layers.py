"""A folder of the library imports only from those above it, and packages hold no code of their own."""

import ast
from pathlib import Path

import pytest

from xmlcore.common.source_code import PACKAGE, import_closure, module_file

LAYERS = (
    "common",
    "config",
    "corpora",
    "data",
    "models",
    "ranking",
    "baselines",
    "defenses",
    "attacks",
    "training",
    "tuning",
    "evaluation",
    "explain",
    "report",
    "serving",
)
MODULES = sorted(PACKAGE.rglob("*.py"))


def layer(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0]


def test_every_folder_has_its_layer() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(LAYERS)
    assert [path.name for path in PACKAGE.glob("*.py")] == ["__init__.py"]


# A tiny checkpoint and its tokenizer are simulated with what reads them, and fetched from the hub by it.
ALLOWED = {("corpora/simulation/checkpoint.py", "data"), ("corpora/fetching.py", "data")}


@pytest.mark.parametrize("folder", LAYERS)
def test_a_folder_imports_only_from_those_above_it(folder: str) -> None:
    above = LAYERS[: LAYERS.index(folder) + 1]
    for module in MODULES:
        if module.parent == PACKAGE or layer(module) != folder:
            continue
        for name in imported(module):
            found = name.split(".")[1]
            inside = str(module.relative_to(PACKAGE))
            assert found in above or (inside, found) in ALLOWED, f"{inside} imports {name}"


def imported(module: Path) -> set[str]:
    tree = ast.parse(module.read_bytes())
    names = {f"{node.module}" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return {name for name in names if name.startswith("xmlcore.")}


def test_packages_hold_no_code() -> None:
    for module in PACKAGE.rglob("__init__.py"):
        (only,) = ast.parse(module.read_bytes()).body
        assert isinstance(only, ast.Expr) and isinstance(only.value, ast.Constant), module


def test_the_registry_imports_no_architecture_and_one_architecture_no_other() -> None:
    architectures = {
        "xml_cnn",
        "attention_xml",
        "aplc",
        "mach.py",
        "bag_of_words.py",
        "ensemble.py",
        "wide_and_deep.py",
    }

    def reached(name: str) -> set[str]:
        file = module_file(f"xmlcore.models.{name}")
        assert file is not None
        models = PACKAGE / "models"
        closure = (path.relative_to(models).parts[0] for path in import_closure([file]) if models in path.parents)
        return set(closure) & architectures

    assert reached("registry") == set()
    assert reached("mach") == {"mach.py"}
    assert reached("ensemble") == {"ensemble.py"}
    assert reached("wide_and_deep") == {"wide_and_deep.py", "ensemble.py"}
    assert reached("xml_cnn.model") == {"xml_cnn"}
    assert reached("attention_xml.model") == {"attention_xml"}
