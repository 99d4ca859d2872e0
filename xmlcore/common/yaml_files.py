"""YAML files, read whole or refused."""

from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from xmlcore.common.errors import UserError

MEND = "mend it or restore it from git"
MAX_VALUES = 1_000_000


def load_yaml(path: Path, kind: Literal["safe", "rt"] = "safe") -> Any:
    """Return the content of the YAML file `path`, which exists: plain values ("safe"), or with comments ("rt").

    The reader is pure Python, because the compiled one overflows the stack where a file nests without end.

    Raises:
        UserError: it is not UTF-8, not YAML, or its aliases make it endless or vastly larger than it looks.
    """
    try:
        content = YAML(typ=kind, pure=True).load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8; save it as UTF-8") from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise UserError(f"{path}: not YAML: {line}{getattr(error, 'problem', None) or error}; {MEND}") from None
    except OSError:
        raise
    except Exception as error:  # what int(), date() and the like raise for a value, and nesting without end
        raise UserError(f"{path}: not YAML: {error}; {MEND}") from None
    if _size(content, {}) > MAX_VALUES:
        raise UserError(f"{path}: its aliases repeat one another more than {MAX_VALUES:,} times; {MEND}")
    return content


def _size(value: Any, known: dict[int, float]) -> float:
    """Return how many values `value` has with every alias written out; infinitely many where it holds itself."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in known:
        known[id(value)] = float("inf")
        known[id(value)] = 1 + sum(
            _size(each, known) for each in (value.values() if isinstance(value, dict) else value)
        )
    return known[id(value)]
