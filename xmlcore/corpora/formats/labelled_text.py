"""Raw texts with their labels, as the LIBSVM page distributes EUR-Lex, Wiki10-31K and AmazonCat-13K.

The LibMultiLabel format: `labels<TAB>text` or `id<TAB>labels<TAB>text` a line, labels separated by spaces.
"""

from collections.abc import Iterator
from pathlib import Path

from xmlcore.common.errors import UserError
from xmlcore.config.params import Convert
from xmlcore.corpora.formats.source_files import find_split
from xmlcore.corpora.records import SPLITS, Record, document_id, write_records
from xmlcore.corpora.text_files import numbered_lines


def convert_labelled_text(raw: Path, destination: Path, options: Convert) -> None:
    """Convert the one `*train*.txt` and the one `*test*.txt` of `raw` into records; no option applies.

    Raises:
        UserError: a file is missing or damaged, or a line has too few fields.
    """
    sources = {split: find_split(raw, split, ".txt") for split in SPLITS}
    for split, source in sources.items():
        write_records(destination / f"{split}.tsv", read_labelled_text(source, split))


def read_labelled_text(path: Path, split: str) -> Iterator[Record]:
    """Stream the documents of `path`; without an id of its own, a document gets `split` and its line number.

    The first line says whether there is an id. A further tab belongs to the text.
    """
    separators = 0
    for number, line in numbered_lines(path):
        separators = separators or min(line.count("\t"), 2)
        fields = line.split("\t", separators)
        if separators == 0 or len(fields) <= separators:
            expected = "id<TAB>labels<TAB>text" if separators == 2 else "labels<TAB>text"
            raise UserError(f"{path}:{number}: not `{expected}`; give every line the fields of line 1")
        labels, text = fields[-2:]
        name = document_id(fields[0], f"{path}:{number}") if separators == 2 else f"{split}-{number}"
        yield Record(name, tuple(labels.split()), text)
