"""Every converter, given hostile bytes in place of any of its files, converts them or raises `UserError`."""

from contextlib import suppress
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xmlcore.corpora import CONVERTERS
from xmlcore.corpora.records import SPLITS, read_records
from xmlcore.errors import UserError
from xmlcore.params import Convert

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
VALID = {
    "bag_of_words": {
        "train.txt": b"2 3 2\n0,1 0:0.5 2:1\n 1:1\n",
        "test.txt": b"1 3 2\n1 1:1\n",
        "a_features.txt": b"oil\ngas\noil\n",
        "a_labels.txt": b"crude\ngas\n",
    },
    "labelled_text": {"train.txt": b"1 2\tsome text\n3\tmore\n", "test.txt": b"1\tx\n"},
    "lyrl2004": {
        "lyrl2004_tokens_train.dat": b".I 1\n.W\nrecov excit\n\n.I 2\n.W\nrubb\n",
        "lyrl2004_tokens_test_pt0.dat": b".I 3\n.W\nlatex\n",
        "rcv1-v2.topics.qrels": b"E11 1 1\nECAT 3 1\n",
    },
    "reuters21578": {"reut2-000.sgm": REUTERS},
}


@st.composite
def damaged(draw: st.DrawFn, valid: bytes) -> bytes:
    """`valid` with one piece cut out, replaced or repeated."""
    start, end = sorted(draw(st.tuples(st.integers(0, len(valid)), st.integers(0, len(valid)))))
    pieces = st.sampled_from([b"", b"\t", b"\n", b" ", b":", b"-1", b"nan", b"\x00", valid[start:end] * 2])
    return valid[:start] + draw(pieces | st.binary(max_size=20)) + valid[end:]


def test_every_format_of_the_parameters_has_a_converter() -> None:
    assert set(CONVERTERS) == set(get_args(Convert.model_fields["format"].annotation)) == set(VALID)


@pytest.mark.parametrize(("name", "file"), [(name, file) for name, files in VALID.items() for file in files])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_converter(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, name: str, file: str) -> None:
    folder: Path = tmp_path_factory.mktemp(name)
    hostile = data.draw(st.binary(max_size=100) | damaged(VALID[name][file]))
    for other, content in VALID[name].items():
        (folder / other).write_bytes(hostile if other == file else content)
    with suppress(UserError):
        CONVERTERS[name](folder, folder / "records", Convert(format=name, order="idf"))
        assert all(list(read_records(folder / "records" / f"{split}.tsv")) for split in SPLITS)


@settings(deadline=None)
@given(content=st.binary(max_size=100) | damaged(b"1\ta b\ttext\n2\t\t\n"))
def test_records(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("records") / "train.tsv"
    path.write_bytes(content)
    with suppress(UserError):
        assert list(read_records(path))
