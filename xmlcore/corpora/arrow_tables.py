"""Rows of Parquet files and of Arrow streams, as the library `datasets` saves them, by pyarrow, which is optional."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow
from pyarrow import ipc, parquet

from xmlcore.common.errors import UserError
from xmlcore.corpora.decompression import MAX_EXPANSION, allowed_bytes
from xmlcore.corpora.saved_datasets import class_names
from xmlcore.corpora.text_files import MAX_LINE_BYTES

if TYPE_CHECKING:
    from xmlcore.corpora.user_texts import Columns

BATCH_SIZE = 16  # rows of a Parquet file that are decoded at once; a dictionary can make each of them long
NUMBER_BYTES = 8  # of any value that is no string
DICTIONARY_BATCH, RECORD_BATCH = 2, 3  # kinds of messages
FRESH = "get the file from a source you trust"


class _Table(NamedTuple):
    schema: Any
    batches: Iterator[Any]  # of the wanted columns


def read_table(path: Path, columns: "Columns") -> Iterator[tuple[str, dict[str, Any]]]:
    """Stream the place and the fields of each row of `path`, .parquet or .arrow, those of `columns` alone.

    Labels that `datasets` stores as numbers (`ClassLabel`) are given their names; other integers in lists of a fixed
    size are given as floats, which is how a vector is told from numbered labels. Raises `UserError` where the file is
    missing or damaged, has no column of texts, or unpacks to more than natural text does.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; run the stage that writes it")
    row = 0
    try:
        table = (_parquet if path.suffix.lower() == ".parquet" else _stream)(path, columns)
        labelled = columns.labels in table.schema.names
        names = class_names(path, table.schema.metadata, columns.labels) if labelled else []
        values = _Values(path)
        for batch in table.batches:
            batch.validate(full=True)  # what a damaged file says of its own sizes is not believed
            vectors = labelled and not names and _is_vector(batch.schema.field(columns.labels).type)
            for scalars in zip(*batch.columns, strict=True):
                row += 1
                place = f"{path}:{row}"
                cells = zip(batch.schema.names, scalars, strict=True)
                fields = {name: values.of(cell, place) for name, cell in cells}
                if names:
                    fields[columns.labels] = _named(fields[columns.labels], names, place)
                elif vectors and fields[columns.labels] is not None:
                    fields[columns.labels] = [each if each is None else float(each) for each in fields[columns.labels]]
                yield place, fields
    except UserError:
        raise
    except Exception as error:  # its readers raise anything
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{path}: damaged behind row {row} ({reason}); write or fetch it again") from error


def _parquet(path: Path, columns: "Columns") -> _Table:
    file = parquet.ParquetFile(path, memory_map=True)
    wanted = _wanted(path, file.schema_arrow, columns)
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    leaves = [group.column(i) for group in groups for i in range(group.num_columns)]
    prefixes = tuple(f"{name}." for name in wanted)
    leaves = [leaf for leaf in leaves if f"{leaf.path_in_schema}.".startswith(prefixes)]
    if sum(max(leaf.total_uncompressed_size, NUMBER_BYTES * leaf.num_values) for leaf in leaves) > allowed_bytes(path):
        raise UserError(f"{path}: unpacks to more than {MAX_EXPANSION} times its size; {FRESH}")
    strings = {leaf.path_in_schema for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"}.difference(wanted)
    file = parquet.ParquetFile(path, memory_map=True, read_dictionary=[*strings])  # in a list, each is held once
    return _Table(file.schema_arrow, file.iter_batches(BATCH_SIZE, columns=wanted, use_threads=False))


def _stream(path: Path, columns: "Columns") -> _Table:
    with path.open("rb") as file:
        if file.read(6) == b"ARROW1":
            raise UserError(f"{path}: a Feather file, no stream of Arrow; write the table as Parquet")
    if any(_is_compressed(message.metadata.to_pybytes()) for message in ipc.MessageReader.open_stream(_mapped(path))):
        raise UserError(f"{path}: compressed, which `datasets` does not do; write it without, or as Parquet")
    stream = ipc.open_stream(_mapped(path))
    wanted = _wanted(path, stream.schema, columns)
    return _Table(stream.schema, (batch.select(wanted) for batch in stream))


def _mapped(path: Path) -> Any:
    return pyarrow.memory_map(str(path))


def _is_compressed(message: bytes) -> bool:
    """Return whether the batch behind a `message` of a stream is compressed; pyarrow would unpack it whatever its size.

    A message is a flatbuffer (Arrow columnar format, Message.fbs and Schema.fbs).
    """

    def number(kind: str, place: int) -> int:
        return int(struct.unpack_from(f"<{kind}", message, place)[0])

    def field(table: int, index: int) -> int | None:
        offsets, entry = table - number("i", table), 4 + 2 * index
        offset = number("H", offsets + entry) if entry < number("H", offsets) else 0
        return table + offset if offset else None

    def table(owner: int, index: int) -> int:
        place = field(owner, index) or 0
        return place + number("I", place)

    root = number("I", 0)
    kind = message[field(root, 1) or 0]
    if kind not in (DICTIONARY_BATCH, RECORD_BATCH):
        return False
    header = table(root, 2)
    batch = table(header, 1) if kind == DICTIONARY_BATCH else header
    return field(batch, 3) is not None


def _wanted(path: Path, schema: Any, columns: "Columns") -> list[str]:
    if columns.text not in schema.names:
        known = ", ".join(schema.names)[:200]
        raise UserError(
            f"{path}: no column {columns.text!r} among {known}; name it (convert.fields.text, --text-column)"
        )
    return [name for name in (columns.text, columns.labels, columns.id) if name in schema.names]


class _Values:
    """What the cells of a file hold, up to so much as natural text has, which dictionaries and lists can multiply."""

    def __init__(self, path: Path) -> None:
        self._remaining = allowed_bytes(path)

    def of(self, cell: Any, place: str) -> Any:
        """Return the `cell` at `place` as a string, a number, a list of these, or None."""
        if isinstance(cell, pyarrow.DictionaryScalar):
            cell = cell.value
        string = cell.is_valid and isinstance(cell, pyarrow.BinaryScalar)
        self._spend(cell.as_buffer().size if string else NUMBER_BYTES, place)
        if not cell.is_valid:
            return None
        if isinstance(cell, pyarrow.ListScalar):
            return [self.of(each, place) for each in cell.values]
        if pyarrow.types.is_nested(cell.type) or isinstance(cell, pyarrow.ExtensionScalar):
            raise UserError(f"{place}: {cell.type}, where a text, labels or an id is expected; name another column")
        return cell.as_py()

    def _spend(self, size: int, place: str) -> None:
        if size > MAX_LINE_BYTES:
            raise UserError(f"{place}: more than {MAX_LINE_BYTES:,} bytes in a field; {FRESH}")
        self._remaining -= size
        if self._remaining < 0:
            raise UserError(f"{place}: unpacks to more than {MAX_EXPANSION} times the size of the file; {FRESH}")


def _is_vector(kind: Any) -> bool:
    return pyarrow.types.is_fixed_size_list(kind) and pyarrow.types.is_integer(kind.value_type)


def _named(labels: Any, names: list[str], place: str) -> list[str] | None:
    if labels is None:
        return None
    numbers = labels if isinstance(labels, list) else [labels]
    if not all(isinstance(number, int) and -1 <= number < len(names) for number in numbers):
        raise UserError(f"{place}: a label that is none of the {len(names)} that are named; write the file again")
    return [names[number] for number in numbers if number >= 0]  # -1: none
