r"""The record format into which every corpus is converted.

One document a line, `doc_id<TAB>labels separated by single spaces<TAB>text`, UTF-8, '\n' line ends, no header, in
`train.tsv` and `test.tsv`. A document without labels or without words has that field empty.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from xmlcore.common.cli import track
from xmlcore.common.errors import UserError
from xmlcore.common.files import atomic_file
from xmlcore.config.params import SPLITS
from xmlcore.corpora.text_files import numbered_lines

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\ufeff]")


class Record(NamedTuple):
    """One document with the labels that it truly has."""

    doc_id: str
    labels: tuple[str, ...]
    text: str


class Summary(NamedTuple):
    """Size of a converted corpus; the means are over all documents of both splits."""

    train_documents: int
    test_documents: int
    labels: int
    mean_labels: float
    mean_tokens: float
    own_labels: float  # the share of documents with a label that no other document has


def one_line(text: str) -> str:
    """Return `text` in Unicode's form NFC, without control characters, every run of white space made one space."""
    return " ".join(CONTROL_CHARACTERS.sub(" ", unicodedata.normalize("NFC", text)).split())


def one_token(name: str) -> str:
    """Return `name` as a single word: white space becomes '_'."""
    return one_line(name).replace(" ", "_")


def document_id(name: str, place: str) -> str:
    """Return the document id `name`; raise UserError, naming `place`, `file:line`, if it has no visible character."""
    if not one_token(name):
        raise UserError(f"{place}: a document without an id; give it one, or fetch the file again")
    return name


def normalise(record: Record) -> Record:
    """Return `record` as a file can hold it: one line, labels of one word, no label empty or repeated."""
    labels = dict.fromkeys(one_token(label) for label in record.labels)
    labels.pop("", None)
    return Record(one_token(record.doc_id), tuple(labels), one_line(record.text))


def write_records(path: Path, records: Iterable[Record]) -> int:
    """Write `records`, normalised, to `path`, complete or not at all; return their number.

    Raises:
        UserError: there is no record, or a document has no id.
    """
    count = 0
    with atomic_file(path) as temporary:
        with temporary.open("w", encoding="utf-8", errors="replace", newline="\n") as stream:
            for count, record in enumerate(track(records, path.name), start=1):
                doc_id, labels, text = normalise(record)
                if not doc_id:
                    raise UserError(f"{path.name}:{count}: a document without an id; give it one in the corpus")
                stream.write(f"{doc_id}\t{' '.join(labels)}\t{text}\n")
        if count == 0:
            raise UserError(f"{path.name}: the corpus has no document for it; fetch the corpus again")
    return count


def read_records(path: Path) -> Iterator[Record]:
    """Stream the records of `path`.

    Raises:
        UserError: a file that is missing, empty or not UTF-8, or a line that is no record.
    """
    for number, line in numbered_lines(path):
        fields = line.split("\t")
        if len(fields) != 3 or not fields[0].strip():
            raise UserError(f"{path}:{number}: not `doc_id<TAB>labels<TAB>text`; convert the corpus again")
        doc_id, labels, text = fields
        yield Record(doc_id, tuple(labels.split()), text)


def summarise(folder: Path) -> Summary:
    """Count the documents, distinct labels, label assignments and white-space tokens of `folder`/{train,test}.tsv."""
    documents: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    first_with: dict[str, int] = {}
    tokens = 0
    for split in SPLITS:
        for record in read_records(folder / f"{split}.tsv"):
            for label in record.labels:
                first_with.setdefault(label, documents.total())
            documents[split] += 1
            labels.update(record.labels)
            tokens += len(record.text.split())
    total = documents.total()
    own = {document for label, document in first_with.items() if labels[label] == 1}
    return Summary(
        train_documents=documents["train"],
        test_documents=documents["test"],
        labels=len(labels),
        mean_labels=labels.total() / total,
        mean_tokens=tokens / total,
        own_labels=len(own) / total,
    )
