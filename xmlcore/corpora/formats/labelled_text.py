"""Raw texts with their labels, as the LIBSVM page distributes EUR-Lex, Wiki10-31K and AmazonCat-13K.

The LibMultiLabel format: `labels<TAB>text` or `id<TAB>labels<TAB>text` a line, labels separated by spaces. Other
columns and separators are options.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from xmlcore.common.errors import UserError
from xmlcore.config.params import Column, Convert
from xmlcore.corpora.formats.source_files import find_splits
from xmlcore.corpora.records import Record, document_id, write_records
from xmlcore.corpora.text_files import numbered_lines

KNOWN: dict[int, list[Column]] = {1: ["labels", "text"], 2: ["id", "labels", "text"]}  # by the tabs of the first line


def convert_labelled_text(raw: Path, destination: Path, options: Convert) -> None:
    """Convert the training and the test file of `raw`, .txt or .tsv, into records.

    Raises:
        UserError: a file is missing or damaged, a line has too few fields, or an id comes twice.
    """
    for split, source in find_splits(raw, (".txt", ".tsv"), options.files).items():
        records = read_labelled_text(source, split, options.columns, options.label_separator)
        write_records(destination / f"{split}.tsv", records)


def read_labelled_text(
    path: Path, split: str, columns: Sequence[Column] | None = None, label_separator: str = " "
) -> Iterator[Record]:
    """Stream the documents of `path`; without an id of its own, a document gets `split` and its line number.

    Without `columns` the first line says whether there is an id. A further tab belongs to the last column. Texts of
    several columns are joined.
    """
    ids: dict[str, int] = {}
    for number, line in numbered_lines(path):
        place = f"{path}:{number}"
        columns = columns or KNOWN.get(min(line.count("\t"), 2)) or KNOWN[1]
        fields = line.split("\t", len(columns) - 1)
        if len(fields) < len(columns):
            expected = "<TAB>".join(columns)
            raise UserError(f"{place}: not `{expected}`; give every line the fields of line 1, or mend convert.columns")
        values = dict(zip(columns, fields, strict=True))
        name = document_id(values["id"], place) if "id" in columns else f"{split}-{number}"
        if "id" in columns and ids.setdefault(name, number) != number:
            raise UserError(
                f"{place}: the id {name[:100]!r} is that of line {ids[name]}, too; mend one, or, where it is no id, "
                "set convert.columns, such as [labels, text, text]"
            )
        labels = (label.strip() for label in values["labels"].split(label_separator))
        text = " ".join(field for column, field in zip(columns, fields, strict=True) if column == "text")
        yield Record(name, tuple(filter(None, labels)), text)
