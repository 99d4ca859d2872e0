"""Tables of texts and labels with named fields: .jsonl, .csv, .tsv, .parquet, .arrow (`xmlcore.corpora.user_texts`).

A split is a file, or a folder of files, as the library `datasets` saves it to disk.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from xmlcore.common.errors import UserError
from xmlcore.config.params import Convert
from xmlcore.corpora.formats.source_files import find_files, find_split_folders, find_split_parts
from xmlcore.corpora.records import Record, write_records
from xmlcore.corpora.saved_datasets import saved_tables
from xmlcore.corpora.user_texts import FORMATS, Columns, read_texts


def convert_named_fields(raw: Path, destination: Path, options: Convert) -> None:
    """Convert the training and the test file or folder of `raw`, whose fields are called as `options.fields` says.

    Raises:
        UserError: a file is missing or damaged, or a line has no text or no labels, or an id comes twice.
    """
    columns = Columns(**options.fields.model_dump(), separator=options.label_separator)
    folders = find_split_folders(raw, options.files)
    files = {split: _tables(folder) for split, folder in folders.items()}
    for split, sources in (files or find_split_parts(raw, (*FORMATS,), options.files)).items():
        write_records(destination / f"{split}.tsv", read_named_fields(sources, split, columns))


def _tables(folder: Path) -> list[Path]:
    found = saved_tables(folder) or find_files(folder, *(f"*{suffix}" for suffix in FORMATS))
    if not found:
        raise UserError(f"{folder}: no file of {', '.join(FORMATS)}; fetch the corpus again")
    return found


def read_named_fields(paths: Sequence[Path], split: str, columns: Columns) -> Iterator[Record]:
    """Stream the documents of `paths`; without an id of its own, a document gets `split` and its number."""
    places: dict[str, str] = {}
    number = 0
    rows = chain.from_iterable(read_texts(path, columns) for path in paths)
    for number, given in enumerate(rows, start=1):
        if given.labels is None:
            raise UserError(f"{given.place}: no field {columns.labels!r}; mend convert.fields.labels or the file")
        if given.id and places.setdefault(given.id, given.place) != given.place:
            raise UserError(f"{given.place}: the id {given.id[:100]!r} is that of {places[given.id]}, too; mend one")
        yield Record(given.id or f"{split}-{number}", tuple(given.labels), given.text)
    if number == 0:
        raise UserError(f"{paths[0]}: no document in it; fetch the corpus again")
