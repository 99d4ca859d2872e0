"""Reuters-21578, distribution 1.0 (Lewis 1997): 22 SGML files, split by ModApte.

ModApte takes the documents with TOPICS="YES" and LEWISSPLIT "TRAIN" or "TEST". Those with at least one topic are
7,775 and 3,019; 90 topics occur in both parts.
"""

import html
import re
from collections.abc import Iterator
from pathlib import Path

from xmlcore.common.errors import UserError
from xmlcore.config.params import Convert
from xmlcore.corpora.formats.source_files import find_parts
from xmlcore.corpora.records import SPLITS, Record, document_id, write_records
from xmlcore.corpora.text_files import numbered_lines

ATTRIBUTE = re.compile(r'([A-Z]+)="([^"]*)"')
TOPIC = re.compile(r"<D>([^<]*)</D>")


def convert_reuters21578(raw: Path, destination: Path, options: Convert) -> None:
    """Convert the ModApte documents that have a topic, labelled by the topics of both parts; no option applies.

    A document none of whose topics occurs in the other part is kept without labels.

    Raises:
        UserError: a file is missing or malformed, or no topic occurs in both parts.
    """
    files = find_parts(raw, "reut2-{:03}.sgm")
    topics: dict[str, set[str]] = {split: set() for split in SPLITS}
    for split, record in read_modapte(files):
        topics[split].update(record.labels)
    shared = set.intersection(*topics.values())
    if not shared:
        raise UserError(f"{raw}: no topic occurs in both the train and the test documents; fetch all 22 SGML files")
    for split in SPLITS:
        write_records(
            destination / f"{split}.tsv",
            (
                record._replace(labels=tuple(topic for topic in record.labels if topic in shared))
                for part, record in read_modapte(files)
                if part == split
            ),
        )


def read_modapte(files: list[Path]) -> Iterator[tuple[str, Record]]:
    """Stream `(split, record)` of the ModApte documents with a topic; the id is NEWID, the text title and body.

    A document without title and body (TYPE="UNPROC") gives its whole TEXT.
    """
    for path in files:
        for place, document in read_documents(path):
            attributes = dict(ATTRIBUTE.findall(document.partition(">")[0]))
            missing = {"TOPICS", "LEWISSPLIT", "NEWID"} - attributes.keys()
            if missing:
                raise UserError(f"{place}: <REUTERS> without {min(missing)}; fetch the file again")
            topics = tuple(TOPIC.findall(_required(document, "TOPICS", place)))
            split = attributes["LEWISSPLIT"].lower()
            if attributes["TOPICS"] == "YES" and split in SPLITS and topics:
                doc_id = document_id(attributes["NEWID"], place)
                yield split, Record(doc_id, topics, _text(_required(document, "TEXT", place), place))


def read_documents(path: Path) -> Iterator[tuple[str, str]]:
    """Stream `(file:line, SGML from <REUTERS to </REUTERS>)`."""
    lines: list[str] = []
    place = ""
    for number, line in numbered_lines(path, encoding="latin-1"):
        if "<REUTERS" in line:
            if lines:
                break
            place = f"{path}:{number}"
        elif not lines and line.strip() and not line.startswith("<!DOCTYPE"):
            raise UserError(f"{path}:{number}: text outside <REUTERS> and </REUTERS>; fetch the file again")
        if place:
            lines.append(line)
        if lines and line.rstrip().endswith("</REUTERS>"):
            yield place, "\n".join(lines)
            lines.clear()
    if lines:
        raise UserError(f"{place}: <REUTERS> without </REUTERS>; fetch the file again")
    if not place:
        raise UserError(f"{path}: no <REUTERS> document in it; fetch the file again")


def _text(element: str, place: str) -> str:
    parts = [part for tag in ("TITLE", "BODY") if (part := _element(element, tag)) is not None]
    try:
        return html.unescape("\n".join(parts or [element]))
    except ValueError:
        raise UserError(f"{place}: a character reference too long to be one; fetch the file again") from None


def _required(document: str, tag: str, place: str) -> str:
    content = _element(document, tag)
    if content is None:
        raise UserError(f"{place}: a document without <{tag}>...</{tag}>; fetch the file again")
    return content


def _element(sgml: str, tag: str) -> str | None:
    _, _, opened = sgml.partition(f"<{tag}")
    content, closing, _ = opened.partition(f"</{tag}>")
    return content.partition(">")[2] if closing else None
