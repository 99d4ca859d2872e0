"""The formats that corpora are published in, and the records that they are converted to."""

import bz2
import gzip
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from hostile.damage import compressed
from hostile.parsers.base import Parser
from xmlcore.config.params import Convert
from xmlcore.corpora.formats.converters import CONVERTERS
from xmlcore.corpora.records import SPLITS, read_records

REUTERS = b"""<!DOCTYPE lewis SYSTEM "lewis.dtd">
<REUTERS TOPICS="YES" LEWISSPLIT="TRAIN" NEWID="1">
<TOPICS><D>cocoa</D></TOPICS>
<TEXT><TITLE>BAHIA &lt;&#3;</TITLE></TEXT>
</REUTERS>
<REUTERS TOPICS="YES" LEWISSPLIT="TEST" NEWID="2">
<TOPICS><D>cocoa</D></TOPICS>
<TEXT TYPE="UNPROC">x</TEXT>
</REUTERS>
"""
TEXTS = b"1 2\tsome text\n3\tmore\n"
CORPORA: dict[str, dict[str, bytes]] = {
    "bag_of_words": {
        "train.txt": b"2 3 2\n0,1 0:0.5 2:1\n 1:1\n",
        "test.txt": b"1 3 2\n1 1:1\n",
        "a_features.txt": b"oil\ngas\noil\n",
        "a_labels.txt": b"crude\ngas\n",
    },
    "annif": {
        "train.tsv": b"some text\t<http://x/1> <http://x/2>\nmore\t<http://x/1>\n",
        "test.tsv": b"x\t<http://x/1>\n",
    },
    "labelled_text": {"train.txt": TEXTS, "test.txt": b"1\tx\n"},
    "lyrl2004": {
        "lyrl2004_tokens_train.dat": b".I 1\n.W\nrecov excit\n\n.I 2\n.W\nrubb\n",
        "lyrl2004_tokens_test_pt0.dat": b".I 3\n.W\nlatex\n",
        "rcv1-v2.topics.qrels": b"E11 1 1\nECAT 3 1\n",
    },
    "named_fields": {
        "train.jsonl": b'{"id": "a", "text": "some text", "labels": ["x", "y"]}\n{"text": "more", "labels": "x"}\n',
        "test.csv": b'text,labels\n"some, text",x y\nmore,x\n',
    },
    "reuters21578": {"reut2-000.sgm": REUTERS},
}
COMPRESSED = {
    "train.txt.gz": (gzip.compress(TEXTS, mtime=0), compressed(gzip.compress)),
    "train.txt.bz2": (bz2.compress(TEXTS), compressed(bz2.compress)),
}
RECORDS = b"1\ta b\tsome text here\n2\tb\tmore text\n3\ta\ttext some\n4\tb\t\n5\t\there\n"


def convert(name: str, folder: Path) -> None:
    """The format `name`, whose records are read back."""
    destination = folder / "records"
    try:
        CONVERTERS[name](folder, destination, Convert(format=name, order="idf"))
        for split in SPLITS:
            assert list(read_records(destination / f"{split}.tsv"))
    finally:
        for path in destination.glob("*.tsv"):
            path.unlink()


def parsers() -> Iterator[Parser]:
    for name, files in CORPORA.items():
        for target in files:
            yield Parser(f"{name} {target}", lambda files=files: files, target, partial(convert, name))
    for target, (content, inputs) in COMPRESSED.items():
        files = {target: content, "test.txt": b"1\tx\n"}
        read = partial(convert, "labelled_text")
        yield Parser(f"labelled_text {target}", lambda files=files: files, target, read, inputs)
    yield Parser("records", lambda: {"train.tsv": RECORDS}, "train.tsv", lambda it: [*read_records(it / "train.tsv")])
