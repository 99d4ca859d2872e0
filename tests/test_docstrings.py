"""Docstrings of functions are sentences that begin with a verb: what a function does, without its name."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = [path for folder in ("xmlcore", "stages") for path in sorted((ROOT / folder).rglob("*.py"))]
NO_VERBS = {
    *[
        "A",
        "All",
        "An",
        "As",
        "At",
        "By",
        "Each",
        "Every",
        "For",
        "How",
        "Index",
        "It",
        "Mean",
        "Of",
        "One",
        "Raises",
        "That",
        "The",
        "This",
        "Those",
        "What",
        "Whether",
    ]
}


def functions(tree: ast.AST) -> list[ast.FunctionDef]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and not any("property" in ast.unparse(decorator) for decorator in node.decorator_list)
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_docstrings_of_functions_begin_with_a_verb(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    first_words = [(each.name, (ast.get_docstring(each) or "Return").split()[0]) for each in functions(tree)]
    wrong = [(name, word) for name, word in first_words if not word.strip(",:").isalpha() or word in NO_VERBS]
    assert wrong == []
