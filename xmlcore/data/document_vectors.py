"""What a frozen encoder makes of documents: computed once, by `build_embedding`, and stored beside the word vectors."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from xmlcore.common.artifacts import read_array, written_by
from xmlcore.common.bfloat16 import has_bfloat16
from xmlcore.config.params import Embedding
from xmlcore.data.batches import batches, pad
from xmlcore.data.bert_bodies import check_length, frozen_body, mean_state
from xmlcore.data.dataset import EncodedCorpus
from xmlcore.data.tokens import PAD

BATCH_SIZE = 32
FILE = "documents.npy"


def document_vectors(
    corpus: EncodedCorpus,
    table: np.ndarray,
    options: Embedding,
    device: torch.device,
    track: Callable[..., Iterable[np.ndarray]],
) -> np.ndarray:
    """Return a vector (N, D) float32 of unit norm for each document that may be learned from.

    They are the mean states of the checkpoint after `options.layers` layers, of the training split, then of the
    validation split; `table` (V, D) has the vectors of the tokens. Products are taken in bfloat16 where `device` has
    it. Raises `UserError` where there is no such checkpoint, or a document is too long for it.
    """
    if not (options.checkpoint and options.layers):
        raise ValueError("no checkpoint, or no layers")
    body, special, shape = frozen_body(options.checkpoint, options.layers)
    split, words = corpus.train_and_validation, torch.from_numpy(table).to(device)
    check_length(shape, int(split.lengths.max()))
    body, special = body.to(device), special.to(device)
    vectors = np.empty((len(split), table.shape[1]), np.float32)
    total = -(-len(split) // BATCH_SIZE)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device)):
        for documents in track(batches(split.lengths, BATCH_SIZE), "read documents", total=total):
            tokens = pad([split.document(i) for i in documents]).to(device)
            found = mean_state(body, special, words[tokens], tokens != PAD)
            vectors[documents] = functional.normalize(found.float()).cpu().numpy()
    return vectors


def save_document_vectors(folder: Path, vectors: np.ndarray) -> None:
    """Write `vectors` (N, D) into `folder`, which exists."""
    np.save(folder / FILE, vectors)


def with_document_vectors(corpus: EncodedCorpus, folder: Path) -> EncodedCorpus:
    """Return `corpus` with the vectors that `folder` has of its training and validation splits, if it has any.

    Raises `UserError` where they are damaged.
    """
    path = folder / FILE
    if not path.exists():
        return corpus
    training, validation = corpus.splits["train"], corpus.splits["validation"]
    with written_by("build_embedding", path):
        vectors = read_array(path, np.float32, len(training) + len(validation), None)
    known = {
        "train": replace(training, vectors=vectors[: len(training)]),
        "validation": replace(validation, vectors=vectors[len(training) :]),
    }
    return replace(corpus, splits=corpus.splits | known)
