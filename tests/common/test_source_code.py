from pathlib import Path

import pytest

from xmlcore.common import source_code
from xmlcore.common.source_code import code_digest, import_closure, library_files


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `library` of two folders; `train` imports `models.base`, whose folder has a template."""
    package = tmp_path / "library"
    files = {
        "__init__.py": "",
        "train.py": "def main():\n    from library.models import base\n",
        "report.py": "import os\nimport library.models.base as base\nfrom library.models.base import mean\n",
        "typed.py": "if TYPE_CHECKING:\n    from library.models import base\n",
        "models/__init__.py": "",
        "models/base.py": "from library import deep\nmean = 1\n",
        "models/mach.py": "",
        "models/templates/page.html": "<p>",
        "models/__pycache__/base.pyc": "0",
        "other/__init__.py": "",
        "other/words.txt": "word",
        "deep.py": "",
    }
    for name, content in files.items():
        (package / name).parent.mkdir(exist_ok=True, parents=True)
        (package / name).write_text(content)
    monkeypatch.setattr(source_code, "PACKAGE", package)
    source_code.direct_imports.cache_clear()
    return package


def names(files: set[Path], package: Path) -> set[str]:
    return {file.relative_to(package).as_posix() for file in files}


BASE = {"__init__.py", "models/__init__.py", "models/base.py", "deep.py"}


def test_a_closure_holds_what_functions_import_and_the_packages_of_what_is_imported(library: Path) -> None:
    assert names(import_closure([library / "train.py"]), library) == BASE | {"train.py"}
    assert names(import_closure([library / "report.py"]), library) == BASE | {"report.py"}


def test_imports_for_type_checkers_do_not_count(library: Path) -> None:
    assert names(import_closure([library / "typed.py"]), library) == {"typed.py"}


def test_what_lies_beside_the_modules_counts_and_what_python_compiled_does_not(library: Path) -> None:
    found = library_files([library / "train.py"])
    assert {name.removeprefix("library/") for name in found} == BASE | {"train.py", "models/templates/page.html"}


@pytest.mark.parametrize(
    ("changed", "counts"),
    [("models/base.py", True), ("deep.py", True), ("models/templates/page.html", True), ("models/mach.py", False)],
)
def test_a_digest_changes_where_the_code_does(library: Path, changed: str, counts: bool) -> None:
    before = code_digest([library / "train.py"])
    (library / changed).write_text("# changed\n")
    source_code.direct_imports.cache_clear()
    assert (code_digest([library / "train.py"]) != before) is counts
