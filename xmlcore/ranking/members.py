"""What the members of a stack (`xmlcore.ranking.stacking`) predicted, of the same documents in the same order."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from xmlcore.common import paths
from xmlcore.common.artifacts import written_by
from xmlcore.config.params import Stacking
from xmlcore.data.dataset import EncodedCorpus, Split
from xmlcore.data.encoding import split_validation
from xmlcore.ranking.predictions import Predictions, predictions_of, read_predictions


class Members(NamedTuple):
    """The stored predictions of each member."""

    validation: list[Predictions]  # of documents that were new to all members, before any refit
    validated: Split  # these documents
    test: list[Predictions]


def read_members(corpus: str, stacking: Stacking, data: EncodedCorpus, seed: int) -> Members:
    """Return what the members listed in `stacking` predicted of `corpus`; `data` is the corpus as any of them reads it.

    Members that have set other shares of the training documents aside are compared on those that all have. As many
    labels of a validation document are taken as are stored of a test document. Raises `UserError` where a file is
    damaged, or does not fit the corpus.
    """
    places = [_places(corpus, training) for training in stacking.trainings.values()]
    test = [predictions_of(data, place.test, place.test_by) for place in places]
    documents = len(data.splits["train"]) + len(data.splits["validation"])
    stored = [_validation(place, documents, len(data.label_names)) for place in places]
    counts = [len(each.labels) for each in stored]
    own, *rows = rows_in_common([len(data.splits["validation"]), *counts], documents, seed)
    validation = [
        Predictions(each.labels[of, : best.labels.shape[1]], each.scores[of, : best.labels.shape[1]])
        for each, of, best in zip(stored, rows, test, strict=True)
    ]
    return Members(validation, data.splits["validation"].take(own), test)


def rows_in_common(counts: Sequence[int], documents: int, seed: int) -> list[np.ndarray]:
    """Return for each member the rows of the validation documents that all members have, in one order.

    A member has set aside `counts` of the training `documents`. They are the first ones of one permutation, so that a
    smaller number of them is a part of a larger one.
    """
    chosen = [np.sort(split_validation(documents, count / documents, seed)) for count in counts]
    fewest = min(chosen, key=len)
    return [np.searchsorted(each, fewest) for each in chosen]


class _Places(NamedTuple):
    """The folders of a member's predictions, and the stages that write them."""

    validation: Path
    validation_by: str
    test: Path
    test_by: str


def _places(corpus: str, training: tuple[str, str, str]) -> _Places:
    cell = (corpus, *training)
    by = ("baseline", "baseline") if training == paths.LINEAR else ("train", "evaluate")
    return _Places(paths.results(*cell, "train") / "validation", by[0], paths.predictions(*cell), by[1])


def _validation(place: _Places, documents: int, labels: int) -> Predictions:
    """Return predictions of some of the training `documents`, of `labels` labels."""
    predictions = read_predictions(place.validation, place.validation_by)
    with written_by(place.validation_by, place.validation):
        if not 0 < len(predictions.labels) < documents or predictions.labels.max(initial=0) >= labels:
            raise ValueError(f"not of some of {documents} documents with {labels} labels")
    return predictions
