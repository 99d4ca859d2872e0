"""The test documents that are attacked, with their words as written and their labels as the model numbers them."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from xmlcore.common.errors import UserError
from xmlcore.corpora.records import read_records
from xmlcore.data.dataset import EncodedCorpus


class Text(NamedTuple):
    """A test document that is attacked."""

    doc_id: str
    text: str
    labels: tuple[int, ...]  # true ones, -1 for those unseen in training


def read_texts(records: Path, corpus: EncodedCorpus, documents: Collection[int]) -> dict[int, Text]:
    """Return the lines of `records`, the test file of `corpus`, that `documents` name.

    Raises `UserError` where it has fewer lines.
    """
    test = corpus.splits["test"]
    texts = {
        number: Text(record.doc_id, record.text, tuple(test.labels_of(number).tolist()))
        for number, record in enumerate(read_records(records))
        if number in documents
    }
    if missing := set(documents) - texts.keys():
        raise UserError(f"{records}: ends before document {min(missing)}, which is attacked; run convert again")
    return texts
