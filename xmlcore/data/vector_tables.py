"""The initial word vectors of a model, as `build_embedding` stores them (`xmlcore.data.word_vectors` makes them)."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from xmlcore.common.artifacts import read_array, written_by
from xmlcore.data.tokens import Vocabulary


class InitialVectors(NamedTuple):
    """What a model begins from, (V, D) float32 each."""

    selection: np.ndarray  # while its epoch is selected: has seen the training split alone
    refit: np.ndarray  # when it is trained afresh: has seen the validation split too


def save_vectors(folder: Path, vectors: InitialVectors) -> None:
    """Write `selection.npy` and `refit.npy` into `folder`, which exists."""
    for name, values in vectors._asdict().items():
        np.save(folder / f"{name}.npy", values)


def load_vectors(folder: Path, vocabulary: Vocabulary) -> InitialVectors:
    """Return the vectors stored in `folder`. Raises `UserError` unless they are finite and one for each token."""
    return InitialVectors(*(_load_vectors(folder / f"{name}.npy", vocabulary) for name in InitialVectors._fields))


def _load_vectors(path: Path, vocabulary: Vocabulary) -> np.ndarray:
    with written_by("build_embedding", path):
        return read_array(path, np.float32, len(vocabulary), None)
