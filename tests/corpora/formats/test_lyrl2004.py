import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from xmlcore.common.errors import UserError
from xmlcore.config.params import Convert
from xmlcore.corpora.formats.lyrl2004 import merge_rcv1, read_topics
from xmlcore.corpora.records import Record

FILES = {
    "lyrl2004_tokens_train.dat.gz": ".I 2286\n.W\nrecov recov\nexcit\n\n.I 2287\n.W\nuruguay\n\n",
    "lyrl2004_tokens_test_pt0.dat.bz2": ".I 26151\n.W\n\n\n",
    "lyrl2004_tokens_test_pt1.dat": ".I 26152\r\n.W\r\nrubb\r\n.I 26153\r\n.W\r\nlatex",
    "rcv1-v2.topics.qrels.gz": "E11 2286 1\nECAT 2286 1\nCCAT 26152 1\nE11 26153 1\n",
}


def test_tokens_and_topics_are_joined(convert: Callable) -> None:
    assert convert("lyrl2004", FILES) == {
        "train": [Record("2286", ("E11", "ECAT"), "recov recov excit"), Record("2287", (), "uruguay")],
        "test": [
            Record("26151", (), ""),
            Record("26152", ("CCAT",), "rubb"),
            Record("26153", ("E11",), "latex"),
        ],
    }


def test_topics_may_come_in_any_order(tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text("A 1 1\nA 2 1\nB 1 1\nB 2 1\n")
    topics = read_topics(tmp_path / "qrels")
    assert topics == {"1": ("A", "B"), "2": ("A", "B")}
    assert topics["1"] is topics["2"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("lyrl2004_tokens_train.dat.gz", None, r"no file lyrl2004_tokens_train\.dat"),
        ("lyrl2004_tokens_test_pt0.dat.bz2", None, r"no file lyrl2004_tokens_test_pt0\.dat"),
        ("rcv1-v2.topics.qrels.gz", None, r"no file rcv1-v2\.topics\.qrels"),
        ("lyrl2004_tokens_test_pt1.dat", "", r"pt1\.dat: the file is empty"),
        ("lyrl2004_tokens_test_pt1.dat", "\n\n", r"pt1\.dat: no document"),
        ("lyrl2004_tokens_test_pt1.dat", "rubb\n.I 1\n.W\n", r"pt1\.dat:1: tokens without"),
        ("lyrl2004_tokens_test_pt1.dat", ".W\nrubb\n", r"pt1\.dat:1: tokens without"),
        ("lyrl2004_tokens_test_pt1.dat", ".I 1\n.W\nrubb\n.I\n", r"pt1\.dat:4: `\.I` without"),
        ("lyrl2004_tokens_test_pt1.dat", ".I 1\nrubb\n", r"pt1\.dat:2: tokens without"),
        ("lyrl2004_tokens_test_pt1.dat", ".I 1\n.I 2\n.W\n", r"pt1\.dat:1: document 1 has no `\.W`"),
        ("lyrl2004_tokens_test_pt1.dat", ".I 1\n.W\n\n.I 2\n", r"pt1\.dat:4: document 2 has no `\.W`"),
        ("lyrl2004_tokens_train.dat.gz", b"\x1f\x8b\x08\x00", r"train\.dat\.gz:1: truncated or damaged"),
        ("rcv1-v2.topics.qrels.gz", "E11 2286 1\nECAT 2286\n", r"qrels\.gz:2: not `topic document 1`"),
        ("rcv1-v2.topics.qrels.gz", "E11 2286 0\n", r"qrels\.gz:1: not `topic document 1`"),
        ("rcv1-v2.topics.qrels.gz", "E11 7 1\n", r"qrels\.gz: lists no document of lyrl2004_tokens_train"),
        ("rcv1-v2.topics.qrels.gz", "E11 2286 1\n", r"qrels\.gz: lists no document of lyrl2004_tokens_test"),
    ],
)
def test_bad_input_is_one_clear_error(convert: Callable, name: str, content: str | bytes | None, message: str) -> None:
    files = {**FILES, name: content} if content is not None else {key: FILES[key] for key in FILES if key != name}
    with pytest.raises(UserError, match=message):
        convert("lyrl2004", files)


def test_memory_does_not_grow_with_the_documents(tmp_path: Path) -> None:
    def peak_memory(documents: int) -> int:
        raw = tmp_path / str(documents)
        raw.mkdir()
        body = "recov excit uruguay " * 10
        tokens = "".join(f".I {i}\n.W\n{body}\n\n" for i in range(documents))
        (raw / "lyrl2004_tokens_train.dat").write_text(".I 0\n.W\nrecov\n\n")
        (raw / "lyrl2004_tokens_test_pt0.dat").write_text(tokens)
        (raw / "rcv1-v2.topics.qrels").write_text("".join(f"CCAT {i} 1\n" for i in range(1000)))
        tracemalloc.start()
        merge_rcv1(raw, raw / "records", Convert(format="lyrl2004"))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_memory(10)  # warms caches that would count against the first measurement
    assert peak_memory(20_000) < 1.5 * peak_memory(2_000)
