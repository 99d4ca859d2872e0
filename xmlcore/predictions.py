"""Predictions stored once: the top k labels of each document and their probabilities, as two `.npy` files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Predictions:
    labels: np.ndarray  # (N, K) int32, best first
    scores: np.ndarray  # (N, K) float32 probabilities


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """Write `labels.npy` and `scores.npy` into `folder`, which exists."""
    np.save(folder / "labels.npy", predictions.labels)
    np.save(folder / "scores.npy", predictions.scores)


def read_predictions(folder: Path) -> Predictions:
    """Memory-mapped predictions of `folder`."""
    return Predictions(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("labels", "scores")))
