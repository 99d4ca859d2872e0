"""Encoded corpora: three splits as flat arrays on disk, read by memory mapping.

An encoded corpus is a folder: the files of `text_reader`, and for each of `train`, `validation`, `test` a folder of
flat arrays with offsets, as in a CSR matrix.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import FiniteFloat, NonNegativeInt
from typing_extensions import TypedDict

from xmlcore.common.artifacts import written_by
from xmlcore.data.text_reader import TextReader, load_text_reader

UNSEEN_LABEL = -1  # a label of test documents that no training record has: it can be missed, never predicted
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Documents of one split as flat arrays; document i is `tokens[token_offsets[i]:token_offsets[i + 1]]`."""

    tokens: np.ndarray  # (sum of lengths,) int32
    token_offsets: np.ndarray  # (N + 1,) int64
    labels: np.ndarray  # (sum of label counts,) int32, UNSEEN_LABEL possible
    label_offsets: np.ndarray  # (N + 1,) int64
    vectors: np.ndarray | None = None  # (N, D) float32, where a frozen encoder has read the documents

    def __len__(self) -> int:
        return len(self.token_offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.token_offsets)

    def document(self, i: int) -> np.ndarray:
        return self.tokens[self.token_offsets[i] : self.token_offsets[i + 1]]

    def labels_of(self, i: int) -> np.ndarray:
        return self.labels[self.label_offsets[i] : self.label_offsets[i + 1]]

    def part(self, start: int, end: int) -> "Split":
        """Return the documents from `start` on, before `end`, without a copy of their tokens."""
        tokens, labels = (offsets[start : end + 1] for offsets in (self.token_offsets, self.label_offsets))
        return Split(
            self.tokens[tokens[0] : tokens[-1]],
            tokens - tokens[0],
            self.labels[labels[0] : labels[-1]],
            labels - labels[0],
            None if self.vectors is None else self.vectors[start:end],
        )

    def take(self, documents: np.ndarray) -> "Split":
        """Return the `documents` (n,), in memory."""
        tokens, labels = map(self.document, documents), map(self.labels_of, documents)
        return Split(
            np.concatenate([*tokens]),
            np.concatenate([[0], np.cumsum(self.lengths[documents])]),
            np.concatenate([*labels]),
            np.concatenate([[0], np.cumsum(np.diff(self.label_offsets)[documents])]),
            None if self.vectors is None else self.vectors[documents],
        )


def concatenate(first: Split, second: Split) -> Split:
    """Return the documents of `first`, then those of `second`, in memory."""

    def joined(name: str) -> np.ndarray:
        a, b = getattr(first, name), getattr(second, name)
        return np.concatenate([a, a[-1] + b[1:] if name.endswith("_offsets") else b])

    known = [split.vectors for split in (first, second) if split.vectors is not None]
    return Split(**{name: joined(name) for name in ARRAYS}, vectors=np.concatenate(known) if len(known) == 2 else None)


# The files of a split and their types.
ARRAYS: dict[str, type[np.integer]] = {
    "tokens": np.int32,
    "token_offsets": np.int64,
    "labels": np.int32,
    "label_offsets": np.int64,
}


@dataclass(frozen=True)
class EncodedCorpus(TextReader):
    """What training, attacks and explanations read: how texts are read, and three splits."""

    splits: dict[str, Split] = field(default_factory=dict)

    @property
    def train_and_validation(self) -> Split:
        """All documents that may be learned from, in memory."""
        return concatenate(self.splits["train"], self.splits["validation"])


def load_encoded(folder: Path, stage: str = "encode", splits: Sequence[str] = SPLITS) -> EncodedCorpus:
    """Open the `splits` of the encoded corpus in `folder`; the arrays stay on disk until they are read.

    Raises `UserError` where a file is not whole, with the `stage` that writes it.
    """
    reader = load_text_reader(folder, stage)
    sizes = len(reader.vocabulary), len(reader.label_names)
    with written_by(stage, folder):
        loaded = {split: _load_split(folder / split, *sizes) for split in splits}
    return EncodedCorpus(**vars(reader), splits=loaded)


def _load_split(folder: Path, tokens: int, labels: int) -> Split:
    """Return the split in `folder`, checked against the sizes of the vocabulary and of the labels."""
    split = Split(**{name: _load_array(folder / f"{name}.bin", dtype) for name, dtype in ARRAYS.items()})
    for name, shortest in (("token", 1), ("label", 0)):
        offsets = getattr(split, f"{name}_offsets")
        if not len(offsets) or offsets[0] != 0 or offsets[-1] != len(getattr(split, f"{name}s")):
            raise ValueError(f"{folder.name}/{name}_offsets.bin does not fit {name}s.bin")
        if (np.diff(offsets) < shortest).any():
            raise ValueError(f"{folder.name}/{name}_offsets.bin does not rise")
    if len(split.token_offsets) != len(split.label_offsets):
        raise ValueError(f"{folder.name} has the tokens and the labels of other numbers of documents")
    _require_ids(folder / "tokens.bin", 0, tokens)
    _require_ids(folder / "labels.bin", UNSEEN_LABEL, labels)
    return split


def _load_array(path: Path, dtype: type[np.integer]) -> np.ndarray:
    return np.memmap(path, dtype, mode="r") if path.stat().st_size else np.empty(0, dtype)


def _require_ids(path: Path, lowest: int, end: int) -> None:
    """Raise `ValueError` unless all ids are in the range; they are read in pieces, for mapped pages count as memory."""
    with path.open("rb") as file:
        while (ids := np.fromfile(file, np.int32, 1 << 20)).size:
            if ids.min() < lowest or ids.max() >= end:
                raise ValueError(f"{path.parent.name}/{path.name} has an id beyond {end - 1}")


class Statistics(TypedDict):
    """The sizes of a corpus as a model reads it."""

    train_documents: NonNegativeInt
    validation_documents: NonNegativeInt
    test_documents: NonNegativeInt
    vocabulary: NonNegativeInt
    labels: NonNegativeInt
    labels_per_document: FiniteFloat
    documents_per_label: FiniteFloat
    tokens_per_train_document: FiniteFloat
    tokens_per_test_document: FiniteFloat


def statistics(corpus: EncodedCorpus) -> Statistics:
    """Return the sizes of a corpus (Sapkal and Savalia 2025, table 1); lengths are after truncation to `max_tokens`."""
    train, validation, test = (corpus.splits[name] for name in SPLITS)
    labelled = len(train.labels) + len(validation.labels)
    documents = len(train) + len(validation)
    return {
        "train_documents": len(train),
        "validation_documents": len(validation),
        "test_documents": len(test),
        "vocabulary": len(corpus.vocabulary),
        "labels": len(corpus.label_names),
        "labels_per_document": round(labelled / documents, 4),
        "documents_per_label": round(labelled / len(corpus.label_names), 4),
        "tokens_per_train_document": round(float(np.concatenate([train.lengths, validation.lengths]).mean()), 4),
        "tokens_per_test_document": round(float(test.lengths.mean()), 4),
    }
