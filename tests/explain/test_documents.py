import numpy as np
import pytest

from xmlcore.common.errors import UserError
from xmlcore.corpora.records import Record
from xmlcore.data.text_reader import TextReader
from xmlcore.data.tokens import Vocabulary
from xmlcore.explain.attributions import as_objects
from xmlcore.explain.documents import select_documents
from xmlcore.explain.methods.lime import lime_surrogates
from xmlcore.ranking.predictions import Predictions

READER = TextReader(Vocabulary([]), ["C15", "CCAT"], "words", 9)
RECORDS = [Record(f"n{i}", ("C15",), f"text {i}") for i in range(4)]
PREDICTIONS = Predictions(np.array([[1, 0]] * 4, dtype=np.int32), np.array([[0.75, 0.25]] * 4, dtype=np.float32))


def select(indices, records=RECORDS):
    return select_documents(records, PREDICTIONS, READER, indices)


def test_documents_come_in_order_with_their_predictions():
    first, last = select([3, 1, 3])
    assert (first.doc_id, last.doc_id, last.text) == ("n1", "n3", "text 3")
    assert [(p.name, p.score) for p in first.predictions] == [("CCAT", 0.75), ("C15", 0.25)]
    assert first.top_labels(1) == [1]


def test_records_beyond_the_last_are_not_read():
    def endless():
        yield from RECORDS[:2]
        raise AssertionError("read too far")

    assert [document.index for document in select([0, 1], endless())] == [0, 1]


@pytest.mark.parametrize("index", [-1, 4])
def test_index_outside_the_corpus_is_refused_by_name(index):
    with pytest.raises(UserError, match=r"explain\.documents.*0 to 3"):
        select([index])


def test_records_and_predictions_must_match():
    with pytest.raises(UserError, match="predictions of 4 documents"):
        select([3], RECORDS[:2])


def test_stored_objects_name_document_and_label_or_say_why_not(document, scorer):
    surrogates = lime_surrogates(["profit", "rain"], scorer, [1], samples=20, top_tokens=2, seed=[0], batch_size=16)
    (row,) = as_objects(document, surrogates)
    assert (row["document"], row["doc_id"], row["label"], row["label_name"]) == (7, "n7", 1, "GWEA")
    assert row["tokens"][0] == "rain" and 0 < row["r2"] <= 1
    (skipped,) = as_objects(document, [])
    assert skipped == {
        "document": 7,
        "doc_id": "n7",
        "true_labels": ["C15"],
        "skipped": "the document has no token",
    }
