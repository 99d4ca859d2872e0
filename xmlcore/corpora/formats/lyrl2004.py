"""RCV1-v2 in the token and topic files of Lewis, Yang, Rose and Li (2004), JMLR 5, online appendices 8 and 12.

A token file holds, for each document, `.I 2286`, `.W`, lines of stemmed tokens and an empty line; the topic file
holds `CCAT 2286 1` a line.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from xmlcore.common.errors import UserError
from xmlcore.config.params import Convert
from xmlcore.corpora.formats.source_files import find_file, find_parts
from xmlcore.corpora.records import Record, document_id, write_records
from xmlcore.corpora.text_files import numbered_lines

Topics = Mapping[str, tuple[str, ...]]


class TokenisedDocument(NamedTuple):
    doc_id: str
    text: str


def merge_rcv1(raw: Path, destination: Path, options: Convert) -> None:
    """Join token files and topics into records, in memory that does not grow with the texts; no option applies.

    Only the topics of each document are held. A document that the topic file does not list has no labels.

    Raises:
        UserError: a file is missing, damaged or malformed, or the topic file lists no document of a split.
    """
    token_files = {
        "train": [find_file(raw, "lyrl2004_tokens_train.dat")],
        "test": find_parts(raw, "lyrl2004_tokens_test_pt{}.dat"),
    }
    topic_file = find_file(raw, "rcv1-v2.topics.qrels")
    topics = read_topics(topic_file)
    for split, paths in token_files.items():
        write_records(destination / f"{split}.tsv", _merge(paths, topics, topic_file))


def read_topics(path: Path) -> Topics:
    """Return the topics of every document by its id, in file order; documents with the same topics share one tuple."""
    topics: dict[str, tuple[str, ...]] = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    for number, line in numbered_lines(path):
        fields = line.split()
        if len(fields) != 3 or fields[2] != "1":
            raise UserError(f"{path}:{number}: not `topic document 1`; mend the line or fetch the file again")
        topic, doc_id, _ = fields
        extended = (*topics.get(doc_id, ()), topic)
        topics[doc_id] = shared.setdefault(extended, extended)
    return topics


def read_tokens(path: Path) -> Iterator[TokenisedDocument]:
    """Stream the documents of a token file."""
    doc_id, place = "", ""
    lines: list[str] | None = None
    for number, line in numbered_lines(path):
        words = line.split()
        if words[:1] == [".I"]:
            if doc_id:
                yield _document(doc_id, lines, place)
            if len(words) != 2:
                raise UserError(f"{path}:{number}: `.I` without one document id; mend the line or fetch the file again")
            place, lines = f"{path}:{number}", None
            doc_id = document_id(words[1], place)
        elif words == [".W"] and doc_id and lines is None:
            lines = []
        elif lines is not None:
            lines.append(line)
        elif words:
            raise UserError(f"{path}:{number}: tokens without `.I` and `.W` before them; fetch the file again")
    if not doc_id:
        raise UserError(f"{path}: no document in it; fetch the file again")
    yield _document(doc_id, lines, place)


def _document(doc_id: str, lines: list[str] | None, place: str) -> TokenisedDocument:
    if lines is None:
        raise UserError(f"{place}: document {doc_id} has no `.W` line; fetch the file again")
    return TokenisedDocument(doc_id, " ".join(lines))


def _merge(token_files: list[Path], topics: Topics, topic_file: Path) -> Iterator[Record]:
    listed = 0
    for path in token_files:
        for doc_id, text in read_tokens(path):
            listed += doc_id in topics
            yield Record(doc_id, topics.get(doc_id, ()), text)
    if not listed:
        raise UserError(f"{topic_file}: lists no document of {token_files[0].name}; fetch both files again")
