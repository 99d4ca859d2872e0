"""A simulated newswire in the official files of RCV1-v2 (Lewis et al. 2004): token files and topic qrels, gzipped."""

import gzip
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np

from xmlcore.corpora.simulation.newswire import Newswire, Story

FIRST_TRAIN_ID, FIRST_TEST_ID = 2286, 26151  # as in RCV1-v2
TEST_PARTS = 4
TOKENS_A_LINE = 10


def write_rcv1(newswire: Newswire, train: int, test: int, rng: np.random.Generator, folder: Path) -> None:
    """Write `train` and `test` stories; document ids ascend, all of training before all of test."""
    with _gzip_writer(folder / "rcv1-v2.topics.qrels.gz") as qrels:
        _write_part(folder / "lyrl2004_tokens_train.dat.gz", qrels, newswire.stories(train, rng), FIRST_TRAIN_ID)
        stories = newswire.stories(test, rng)
        first = max(FIRST_TEST_ID, FIRST_TRAIN_ID + train)
        for part in range(TEST_PARTS):
            size = test * (part + 1) // TEST_PARTS - test * part // TEST_PARTS
            path = folder / f"lyrl2004_tokens_test_pt{part}.dat.gz"
            _write_part(path, qrels, islice(stories, size), first)
            first += size


def _write_part(path: Path, qrels: TextIO, stories: Iterable[Story], first_id: int) -> None:
    with _gzip_writer(path) as tokens:
        for doc_id, story in enumerate(stories, start=first_id):
            lines = [" ".join(story.tokens[i : i + TOKENS_A_LINE]) for i in range(0, len(story.tokens), TOKENS_A_LINE)]
            tokens.write("\n".join([f".I {doc_id}", ".W", *lines, "", ""]))
            qrels.writelines(f"{topic} {doc_id} 1\n" for topic in story.topics)


@contextmanager
def _gzip_writer(path: Path) -> Iterator[TextIO]:
    """Open a gzip file for text, without name or time of day in its header: equal text gives equal bytes."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        TextIOWrapper(packed, encoding="utf-8", newline="\n") as text,
    ):
        yield text
