"""The formats that corpora are published in, and the records that they are converted to."""

import bz2
import gzip
import json
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from hostile.damage import compressed, damaged_text
from hostile.parsers.base import Parser, written
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
STATE = {"_data_files": [{"filename": "data-00000-of-00001.jsonl"}], "_indices_data_files": None}
INFO = {"features": {"labels": {"feature": {"names": ["x", "y"], "_type": "ClassLabel"}, "_type": "List"}}}
ROW = b'{"text": "some text", "labels": ["x"]}\n'


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


def saved_state() -> dict[str, bytes]:
    """A folder that `datasets` saved, whose rows are text: what is read of its state does not depend on them."""
    rows = {f"{split}/data-00000-of-00001.jsonl": ROW for split in SPLITS}
    return rows | {f"{split}/state.json": json.dumps(STATE).encode() for split in SPLITS}


def write_tables(folder: Path) -> None:
    """A Parquet file and an Arrow stream whose labels are numbers with names."""
    import pyarrow
    from pyarrow import ipc, parquet

    table = pyarrow.table({"id": [1, 2], "text": ["some text", "more"], "labels": [[0, 1], [1]]})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": INFO})})
    parquet.write_table(table, folder / "train.parquet")
    with ipc.new_stream(str(folder / "test.arrow"), table.schema) as stream:
        stream.write_table(table)


def parsers() -> Iterator[Parser]:
    for name, files in CORPORA.items():
        for target in files:
            yield Parser(f"{name} {target}", lambda files=files: files, target, partial(convert, name))
    for target, (content, inputs) in COMPRESSED.items():
        files = {target: content, "test.txt": b"1\tx\n"}
        read = partial(convert, "labelled_text")
        yield Parser(f"labelled_text {target}", lambda files=files: files, target, read, inputs)
    yield Parser("datasets state.json", saved_state, "train/state.json", partial(convert, "named_fields"), damaged_text)
    if find_spec("pyarrow"):
        for target in ("train.parquet", "test.arrow"):
            yield Parser(f"named_fields {target}", written(write_tables), target, partial(convert, "named_fields"))
    yield Parser("records", lambda: {"train.tsv": RECORDS}, "train.tsv", lambda it: [*read_records(it / "train.tsv")])
