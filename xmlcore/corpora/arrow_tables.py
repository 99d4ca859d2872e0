"""Rows of Parquet files and of Arrow files as the library `datasets` saves them, by pyarrow, which is optional."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmlcore.common.errors import UserError

if TYPE_CHECKING:
    from xmlcore.corpora.user_texts import Columns

BATCH_SIZE = 1000  # rows in memory


def read_table(path: Path, columns: "Columns") -> Iterator[tuple[str, dict[str, Any]]]:
    """Stream the place and the fields of each row of `path`, .parquet or .arrow, those of `columns` alone.

    Labels that `datasets` stores as numbers (`ClassLabel`) are given their names. Raises `UserError` where the file is
    missing or damaged, or has no column of texts, and where pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import ipc, parquet
    except ImportError:
        raise UserError(f"{path}: reading it needs pyarrow: `pip install pyarrow`, or give .jsonl or .csv") from None
    if not path.is_file():
        raise UserError(f"{path}: no such file; run the stage that writes it")
    row = 0
    try:
        if path.suffix.lower() == ".parquet":
            file = parquet.ParquetFile(path)
            schema = file.schema_arrow
            wanted = _wanted(path, schema.names, columns)
            batches = file.iter_batches(BATCH_SIZE, columns=wanted)
        else:
            stream = ipc.open_stream(pyarrow.memory_map(str(path)))
            schema = stream.schema
            wanted = _wanted(path, schema.names, columns)
            batches = (batch.select(wanted) for batch in stream)
        names = _class_names(schema, columns.labels)
        for batch in batches:
            batch.validate(full=True)  # what a damaged file says of its own sizes is not believed
            for fields in batch.to_pylist():
                row += 1
                if names:
                    fields[columns.labels] = _named(fields[columns.labels], names)
                yield f"{path}:{row}", fields
    except UserError:
        raise
    except Exception as error:  # its readers raise anything
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{path}: damaged behind row {row} ({reason}); write or fetch it again") from error


def _wanted(path: Path, names: list[str], columns: "Columns") -> list[str]:
    if columns.text not in names:
        known = ", ".join(names)[:200]
        raise UserError(
            f"{path}: no column {columns.text!r} among {known}; name it (convert.fields.text, --text-column)"
        )
    return [name for name in (columns.text, columns.labels, columns.id) if name in names]


def _class_names(schema: Any, column: str) -> list[str]:
    """Return the names of the numbers in `column`, as `datasets` keeps them in the schema; none where it does not."""
    stored = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    feature = stored.get("info", {}).get("features", {}).get(column, {})
    feature = feature[0] if isinstance(feature, list) else feature
    return (feature.get("feature") or feature).get("names") or []


def _named(labels: Any, names: list[str]) -> Any:
    if labels is None:
        return None
    return [names[label] for label in (labels if isinstance(labels, list) else [labels]) if label >= 0]  # -1: none
