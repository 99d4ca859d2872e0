"""Predictions, made in batches and stored once: the top k labels of each document and their probabilities."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from xmlcore.common.artifacts import read_array, written_by
from xmlcore.common.distributed import add_up, share
from xmlcore.data.batches import batches, pad
from xmlcore.data.dataset import EncodedCorpus, Split
from xmlcore.models.base import TokenClassifier

BATCH_SIZE = 64
Track = Callable[..., Iterable[np.ndarray]]
Item = TypeVar("Item")


def untracked(items: Iterable[Item], description: str, total: int | None = None) -> Iterable[Item]:
    return items


@dataclass(frozen=True)
class Predictions:
    labels: np.ndarray  # (N, K) int32, best first
    scores: np.ndarray  # (N, K) float32 probabilities


@torch.inference_mode()
def predict(
    model: TokenClassifier, split: Split, k: int, track: Track = untracked, batch_size: int = BATCH_SIZE
) -> Predictions:
    """Return the `k` best labels of each document of `split`, or all where there are fewer."""
    model.eval()
    k = min(k, model.labels)
    labels = np.zeros((len(split), k), np.int32)
    scores = np.zeros((len(split), k), np.float32)
    total = -(-len(split) // batch_size)
    for documents in share(track(batches(split.lengths, batch_size), "predict", total=total)):
        best = model(pad([split.document(i) for i in documents])).topk(k)
        labels[documents], scores[documents] = best.indices.cpu(), model.probabilities(best.values).cpu()
    add_up(labels)
    add_up(scores)
    return Predictions(labels, scores)


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """Write `labels.npy` and `scores.npy` into `folder`, which exists."""
    np.save(folder / "labels.npy", predictions.labels)
    np.save(folder / "scores.npy", predictions.scores)


def read_predictions(folder: Path, stage: str = "evaluate") -> Predictions:
    """Return the memory-mapped predictions of `folder`. Raises `UserError` where they are damaged."""
    with written_by(stage, folder):
        labels = read_array(folder / "labels.npy", np.int32, None, None)
        scores = read_array(folder / "scores.npy", np.float32, *labels.shape)
        if (labels < 0).any() or (scores < 0).any() or (scores > 1).any():
            raise ValueError("labels or scores below 0, or scores above 1")
        return Predictions(labels, scores)


def predictions_of(corpus: EncodedCorpus, folder: Path, stage: str = "evaluate") -> Predictions:
    """Return the predictions of `folder`, for the test split of `corpus`. Raises `UserError` if they do not fit it."""
    predictions = read_predictions(folder, stage)
    with written_by(stage, folder):
        if len(predictions.labels) != len(corpus.splits["test"]):
            raise ValueError(f"{len(predictions.labels)} rows for {len(corpus.splits['test'])} test documents")
        if predictions.labels.max(initial=0) >= len(corpus.label_names):
            raise ValueError(f"a label beyond the {len(corpus.label_names)} of the corpus")
    return predictions
