"""Folders that the library `datasets` saves: which of their files hold the rows, and what numbered labels mean."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xmlcore.common.errors import UserError
from xmlcore.corpora.text_files import numbered_lines

STATE, INFO = "state.json", "dataset_info.json"


def saved_tables(folder: Path) -> list[Path] | None:
    """Return the files with the rows of a `folder` that `datasets` saved, in its order; None where it is no such one.

    Other Arrow files may lie there: `Dataset.map` keeps its results beside what it read. Raises `UserError` where the
    folder does not say which files they are, or that an index chooses among the rows.
    """
    if not (folder / STATE).is_file():
        return None
    stored = _object(folder / STATE)
    if stored.get("_indices_data_files"):
        raise UserError(f"{folder}: an index chooses among its rows; save it again after `flatten_indices()`")
    there = {path.name: path for path in folder.iterdir()}
    files = stored.get("_data_files")
    entries = files if isinstance(files, list) else []
    names = [entry.get("filename") if isinstance(entry, dict) else None for entry in entries]
    if not names or not all(isinstance(name, str) and name in there for name in names):
        shown = ", ".join(map(repr, names))[:200] or "none"
        raise UserError(f"{folder / STATE}: its rows are not in this folder ({shown}); save the dataset again")
    return [there[str(name)] for name in names]


def class_names(table: Path, metadata: Mapping[bytes, bytes] | None, column: str) -> list[str]:
    """Return the names of the numbers (`ClassLabel`) in `column`; none where they have none.

    They are told by the `metadata` of the schema of `table`, or by `dataset_info.json` beside it.
    """
    if stored := (metadata or {}).get(b"huggingface"):
        info = _parsed(table, stored).get("info")
    else:
        beside = table.with_name(INFO)
        info = _object(beside) if beside.is_file() else None
    features = info.get("features") if isinstance(info, dict) else None
    feature = features.get(column) if isinstance(features, dict) else None
    if isinstance(feature, list) and feature:
        feature = feature[0]
    if isinstance(feature, dict) and isinstance(feature.get("feature"), dict):
        feature = feature["feature"]
    names = feature.get("names") if isinstance(feature, dict) else None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else []


def _object(path: Path) -> dict[str, Any]:
    return _parsed(path, "\n".join(line for _, line in numbered_lines(path)))


def _parsed(path: Path, text: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{path}: what `datasets` says of it is not JSON; save the dataset again")
    return found
