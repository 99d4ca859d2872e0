"""Tables of texts and labels with named fields: .jsonl, .csv and .tsv (`xmlcore.corpora.user_texts`)."""

from collections.abc import Iterator
from pathlib import Path

from xmlcore.common.errors import UserError
from xmlcore.config.params import Convert
from xmlcore.corpora.formats.source_files import find_splits
from xmlcore.corpora.records import Record, write_records
from xmlcore.corpora.user_texts import FORMATS, Columns, read_texts


def convert_named_fields(raw: Path, destination: Path, options: Convert) -> None:
    """Convert the training and the test file of `raw`, whose fields are called as `options.fields` says.

    Raises:
        UserError: a file is missing or damaged, or a line has no text or no labels, or an id comes twice.
    """
    columns = Columns(**options.fields.model_dump(), separator=options.label_separator)
    for split, source in find_splits(raw, (*FORMATS,), options.files).items():
        write_records(destination / f"{split}.tsv", read_named_fields(source, split, columns))


def read_named_fields(path: Path, split: str, columns: Columns) -> Iterator[Record]:
    """Stream the documents of `path`; without an id of its own, a document gets `split` and its number."""
    places: dict[str, str] = {}
    for number, given in enumerate(read_texts(path, columns), start=1):
        if given.labels is None:
            raise UserError(f"{given.place}: no field {columns.labels!r}; mend convert.fields.labels or the file")
        if given.id and places.setdefault(given.id, given.place) != given.place:
            raise UserError(f"{given.place}: the id {given.id[:100]!r} is that of {places[given.id]}, too; mend one")
        yield Record(given.id or f"{split}-{number}", tuple(given.labels), given.text)
