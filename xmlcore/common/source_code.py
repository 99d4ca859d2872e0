"""Which files of this library a module is made of: what it imports, directly or not, found in its text.

DVC runs a stage again where a file that it names has changed. `trace_imports` writes for each stage the files that it
is made of with their digests, `configure` a digest of those of an architecture.
"""

import ast
import json
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
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
            waiting += direct_imports(source)
    return found


def module_file(name: str) -> Path | None:
    """Return the file of the module or package `name`, such as xmlcore.models.mach; None where there is none."""
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def library_files(sources: Iterable[Path]) -> dict[str, str]:
    """Return by name the SHA-256 digest of each file of this library that `sources` are made of, themselves included.

    It is their import closure, and what lies beside these modules in files of other kinds, such as templates.
    """
    modules = {module for module in import_closure(sources) if PACKAGE in module.parents}
    packages = {module.parent for module in modules}
    others = (file for file in PACKAGE.rglob("*.*") if file.suffix not in (".py", ".pyc"))
    files = sorted(modules.union(file for file in others if _package(file) in packages))
    return {file.relative_to(PACKAGE.parent).as_posix(): sha256(file.read_bytes()).hexdigest() for file in files}


def code_digest(sources: Iterable[Path]) -> str:
    """Return the SHA-256 digest of the names and content of the files that `sources` are made of."""
    return sha256(json.dumps(library_files(sources)).encode()).hexdigest()


def _package(file: Path) -> Path:
    return next(folder for folder in file.parents if (folder / "__init__.py").exists())


@cache
def direct_imports(source: Path) -> frozenset[Path]:
    """Return the files of this library that `source` itself imports."""
    names = [name.split(".") for name in _names(ast.parse(source.read_bytes())) if name.startswith(f"{PACKAGE.name}.")]
    packages = {".".join(parts[:depth]) for parts in names for depth in range(1, len(parts) + 1)}
    return frozenset(file for name in packages if (file := module_file(name)))


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the dotted name of everything that is imported below `node`; it may be one within a module."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _names(child)
