"""Which modules of this library a module imports, directly or not, found in its text, and a digest of them.

DVC runs a stage again where a file that it names has changed. What a stage must name is the import closure of its
script (`tests/pipeline/test_dependencies.py` compares); what an architecture is made of is in its recipe as a digest.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def import_closure(sources: Iterable[Path]) -> set[Path]:
    """Return `sources` and every file of this library that they import, directly or not, wherever the import stands.

    Imports for type checkers alone do not count. Importing a module runs the `__init__.py` of its packages, so these
    are among the files.
    """
    found: set[Path] = set()
    waiting = [source.resolve() for source in sources]
    while waiting:
        source = waiting.pop()
        if source not in found:
            found.add(source)
            waiting += _imported(ast.parse(source.read_bytes()))
    return found


def module_file(name: str) -> Path | None:
    """Return the file of the module or package `name`, such as xmlcore.models.mach; None where there is none."""
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def code_digest(sources: Iterable[Path]) -> str:
    """Return the SHA-256 digest of the import closure of `sources`: the names of its files and their content."""
    digest = hashlib.sha256()
    for file in sorted(import_closure(sources)):
        digest.update(f"{file.relative_to(PACKAGE.parent)}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _imported(tree: ast.AST) -> Iterator[Path]:
    for name in _names(tree):
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            if parts[0] == PACKAGE.name and (file := module_file(".".join(parts[:depth]))):
                yield file


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the dotted name of everything that is imported below `node`; it may be one within a module."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _names(child)
