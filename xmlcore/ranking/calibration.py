"""Probabilities that mean what they say, and thresholds on them, both learned from validation documents.

A model's logits are divided by one temperature, which changes no rank (Guo et al. 2017). A threshold says from which
probability on a label is assigned; only labels that are stored of a document can be.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field, FiniteFloat
from typing_extensions import TypedDict

from xmlcore.config.schema import PositiveFloat, Section, Share
from xmlcore.data.dataset import Split
from xmlcore.ranking.label_metrics import macro_f1, micro_f1, tally
from xmlcore.ranking.metrics import hits, ratio
from xmlcore.ranking.predictions import Predictions

BINS = 15  # of equal width
PLAIN = 0.5  # threshold before any is fitted
SMALLEST = 1e-7  # distance of a probability from 0 and 1
HOTTEST = 5.0  # temperature that is tried, and the coldest is one over it


class Thresholds(Section):
    """Probabilities from which on a label is assigned, by what they are best for."""

    micro_f1: Share
    macro_f1: list[Share]  # one for each label
    precision: dict[Annotated[str, Field(pattern=r"^0\.\d+$")], Share | None] = {}  # wanted: None where never reached

    def of(self, aim: str) -> np.ndarray | float:
        """Return the threshold, or the thresholds (L,), for `micro_f1`, `macro_f1` or a wanted precision such as 0.9.

        Raises `KeyError` where there is none.
        """
        if aim in ("micro_f1", "macro_f1"):
            return np.array(self.macro_f1) if aim == "macro_f1" else self.micro_f1
        found = self.precision[aim]
        if found is None:
            raise KeyError(aim)
        return found


class Calibration(Section):
    """What is learned on validation documents about the probabilities of a model."""

    temperature: PositiveFloat
    thresholds: Thresholds

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Return the calibrated probabilities of raw ones, of any shape, as float32."""
        return tempered(scores, self.temperature)


class CalibrationFigures(TypedDict):
    """Calibration error and F1 on documents that nothing was learned from."""

    temperature: FiniteFloat
    expected_calibration_error: FiniteFloat  # of the raw probabilities
    expected_calibration_error_calibrated: FiniteFloat
    micro_F1: FiniteFloat  # raw, at `PLAIN`
    micro_F1_threshold: FiniteFloat
    macro_F1: FiniteFloat
    macro_F1_thresholds: FiniteFloat


def tempered(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities `scores` as they are when their logits are divided by `temperature`, as float32."""
    clipped = np.clip(np.asarray(scores, np.float64), SMALLEST, 1 - SMALLEST)
    return (1 / (1 + (1 / clipped - 1) ** (1 / temperature))).astype(np.float32)


def calibrate(predictions: Predictions, split: Split, labels: int, precisions: Sequence[float]) -> Calibration:
    """Return what the stored `predictions` of the documents of `split`, of `labels` labels, tell.

    Thresholds are fitted to the calibrated probabilities: for the highest micro F1 of all pairs, for the highest F1 of
    each label (a label that no document has takes the one for micro F1), and the lowest that reaches each of
    `precisions`.
    """
    right = _right(predictions, split)
    temperature = _temperature(predictions.scores, right)
    scores = tempered(predictions.scores, temperature)
    true = np.bincount(split.labels[split.labels >= 0], minlength=labels)
    micro = _best_threshold(scores.ravel(), right.ravel(), int(true.sum()))
    thresholds = np.full(labels, micro)
    order = np.argsort(predictions.labels.ravel(), kind="stable")
    ids = predictions.labels.ravel()[order]
    for members in np.split(order, np.flatnonzero(np.diff(ids)) + 1):
        label = predictions.labels.ravel()[members[0]] if len(members) else 0
        if len(members) and true[label] and right.ravel()[members].any():
            thresholds[label] = _best_threshold(scores.ravel()[members], right.ravel()[members], int(true[label]))
    return Calibration(
        temperature=temperature,
        thresholds=Thresholds(
            micro_f1=micro,
            macro_f1=thresholds.tolist(),
            precision={str(wanted): _for_precision(scores.ravel(), right.ravel(), wanted) for wanted in precisions},
        ),
    )


def calibration_figures(
    predictions: Predictions, split: Split, labels: int, calibration: Calibration
) -> CalibrationFigures:
    """Return what `predictions` of `split` are worth, raw and with what `calibration` learned elsewhere."""
    right = _right(predictions, split)
    calibrated = calibration.probabilities(predictions.scores)

    def tallied(scores: np.ndarray, threshold: np.ndarray | float) -> np.ndarray:
        each = threshold[predictions.labels] if isinstance(threshold, np.ndarray) else threshold
        return tally(predictions.labels, right, scores >= each, split, labels)

    plain = tallied(predictions.scores, PLAIN)
    return {
        "temperature": calibration.temperature,
        "expected_calibration_error": expected_calibration_error(predictions.scores, right),
        "expected_calibration_error_calibrated": expected_calibration_error(calibrated, right),
        "micro_F1": micro_f1(plain),
        "micro_F1_threshold": micro_f1(tallied(calibrated, calibration.thresholds.micro_f1)),
        "macro_F1": macro_f1(plain[:, :-1]),
        "macro_F1_thresholds": macro_f1(tallied(calibrated, np.array(calibration.thresholds.macro_f1))[:, :-1]),
    }


def expected_calibration_error(scores: np.ndarray, right: np.ndarray) -> float:
    """Return the mean distance of probability and share of right ones (Guo et al. 2017, eq. 3), over `BINS` bins.

    `scores` and `right` (bool) are of the same pairs of document and label, in any shape.
    """
    bins = np.minimum((scores.ravel() * BINS).astype(int), BINS - 1)
    promised = np.bincount(bins, scores.ravel(), BINS)
    kept = np.bincount(bins, right.ravel(), BINS)
    return ratio(float(np.abs(promised - kept).sum()), scores.size)


def _right(predictions: Predictions, split: Split) -> np.ndarray:
    return hits(predictions.labels, split, np.arange(len(split)))


def _temperature(scores: np.ndarray, right: np.ndarray) -> float:
    """Return the temperature of the highest likelihood of the stored pairs."""

    from scipy.optimize import minimize_scalar  # not where a model is only used: it takes a second to import

    def loss(log_temperature: float) -> float:
        p = tempered(scores, float(np.exp(log_temperature))).astype(np.float64).clip(SMALLEST, 1 - SMALLEST)
        return float(-np.where(right, np.log(p), np.log1p(-p)).mean())

    bound = np.log(HOTTEST)
    return round(float(np.exp(minimize_scalar(loss, bounds=(-bound, bound), method="bounded").x)), 4)


def _best_threshold(scores: np.ndarray, right: np.ndarray, true: int) -> float:
    """Return the threshold of the highest F1 where `true` pairs are right in all, those that are not stored among them.

    It lies midway to the next lower score, where there is one.
    """
    order = np.argsort(-scores, kind="stable")
    f1 = 2 * np.cumsum(right[order]) / (np.arange(1, len(order) + 1) + true)
    return _cut(scores[order], int(_last_of_ties(scores[order], f1).argmax())) if len(order) else PLAIN


def _for_precision(scores: np.ndarray, right: np.ndarray, wanted: float) -> float | None:
    order = np.argsort(-scores, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    reached = np.flatnonzero(_last_of_ties(scores[order], precision) >= wanted)
    return _cut(scores[order], int(reached[-1])) if len(reached) else None


def _last_of_ties(falling: np.ndarray, figures: np.ndarray) -> np.ndarray:
    """Return `figures` with -1 where the next score is equal: there no threshold can cut."""
    return np.where(np.append(np.diff(falling) == 0, False), -1.0, figures)


def _cut(falling: np.ndarray, last: int) -> float:
    """Return a threshold that takes in the scores up to the place `last` and none beyond."""
    low = falling[last + 1] if last + 1 < len(falling) else falling[last]
    return float((np.float64(falling[last]) + np.float64(low)) / 2)
