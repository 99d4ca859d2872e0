"""The test documents to explain, joined with their stored predictions."""

from collections.abc import Iterable
from dataclasses import dataclass

from xmlcore.common.errors import UserError
from xmlcore.corpora.records import Record
from xmlcore.data.text_reader import TextReader
from xmlcore.ranking.predictions import Predictions


@dataclass(frozen=True)
class Prediction:
    label: int
    name: str
    score: float


@dataclass(frozen=True)
class Document:
    index: int
    doc_id: str
    text: str
    true_labels: tuple[str, ...]
    predictions: tuple[Prediction, ...]  # best first

    def top_labels(self, count: int) -> list[int]:
        """Return the best `count` predicted labels, or all that were stored."""
        return [prediction.label for prediction in self.predictions[:count]]


def select_documents(
    records: Iterable[Record], predictions: Predictions, reader: TextReader, indices: Iterable[int]
) -> list[Document]:
    """Return the documents at `indices` (rising, each once), reading no record beyond the last of them.

    `predictions.labels` and `predictions.scores` are (N, K), one row for each record, best first.
    Raises UserError for an index outside the split, and where records and predictions do not match.
    """
    shown = reader.shown_labels
    known = dict(zip(reader.label_names, shown, strict=True))
    wanted = sorted(set(indices))
    count = len(predictions.labels)
    for index in wanted:
        if not 0 <= index < count:
            raise UserError(
                f"explain.documents: there is no document {index}; the test split has {count}, give 0 to {count - 1}"
            )
    documents = []
    stream = enumerate(records)
    for index in wanted:
        record = next((record for position, record in stream if position == index), None)
        if record is None:
            raise UserError(
                f"the test records end before document {index}, but there are predictions of {count} documents; "
                "run evaluate again"
            )
        if predictions.labels[index].max() >= len(shown):
            raise UserError(
                f"the predictions of document {index} have a label beyond the {len(shown)} of the corpus; "
                "run evaluate again"
            )
        top = zip(predictions.labels[index].tolist(), predictions.scores[index].tolist(), strict=True)
        documents.append(
            Document(
                index=index,
                doc_id=record.doc_id,
                text=record.text,
                true_labels=tuple(known.get(label, label) for label in record.labels),
                predictions=tuple(Prediction(label, shown[label], score) for label, score in top),
            )
        )
    return documents
