import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toys import split_of
from xmlcore.ranking.calibration import calibrate, calibration_figures, expected_calibration_error, tempered
from xmlcore.ranking.predictions import Predictions


def predictions(*rows: dict[int, float]) -> Predictions:
    """Stored labels with their probabilities, best first."""
    ordered = [sorted(row.items(), key=lambda pair: -pair[1]) for row in rows]
    return Predictions(
        np.array([[label for label, _ in row] for row in ordered], np.int32),
        np.array([[score for _, score in row] for row in ordered], np.float32),
    )


def drawn(temperature: float, documents: int = 4000, labels: int = 5):
    """Predictions whose probabilities, with logits over `temperature`, are those that labels were drawn with."""
    rng = np.random.default_rng(0)
    logits = rng.normal(-0.5, 2, (documents, labels))
    true = rng.random(logits.shape) < 1 / (1 + np.exp(-logits / temperature))
    order = np.argsort(-logits, 1)
    scores = 1 / (1 + np.exp(-np.take_along_axis(logits, order, 1)))
    split = split_of([[1]] * documents, [np.flatnonzero(row) for row in true])
    return Predictions(order.astype(np.int32), scores.astype(np.float32)), split


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_temperature_that_labels_were_drawn_with_is_found(temperature: float) -> None:
    found, split = drawn(temperature)
    calibration = calibrate(found, split, 5, [])
    assert calibration.temperature == pytest.approx(temperature, rel=0.07)
    figures = calibration_figures(found, split, 5, calibration)
    assert figures["expected_calibration_error_calibrated"] < 0.02
    assert (figures["expected_calibration_error"] > 0.05) == (temperature != 1)


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=20), st.floats(0.2, 5))
def test_a_temperature_changes_no_rank_and_leaves_a_half(scores: list[float], temperature: float) -> None:
    found = tempered(np.array(scores), temperature)
    assert (np.diff(found[np.argsort(scores)]) >= 0).all()
    assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1
    assert tempered(np.array([0.5]), temperature)[0] == 0.5


def test_the_error_is_the_distance_of_promise_and_truth() -> None:
    scores = np.array([0.9, 0.9, 0.9, 0.9, 0.1, 0.1])
    right = np.array([True, True, False, False, False, False])
    assert expected_calibration_error(scores, right) == pytest.approx((4 * 0.4 + 2 * 0.1) / 6)
    assert expected_calibration_error(np.array([1.0, 0.0]), np.array([True, False])) == 0


def brute_force_f1(scores, right, true: int) -> float:
    cuts = [*scores, 2.0]
    return max(2 * right[scores >= cut].sum() / max((scores >= cut).sum() + true, 1) for cut in cuts)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9]), st.booleans()), min_size=1, max_size=12))
def test_the_micro_threshold_has_the_best_f1_of_all(pairs) -> None:
    found = predictions(*({0: score} for score, _ in pairs))
    split = split_of([[1]] * len(pairs), [[0] if right else [] for _, right in pairs])
    calibration = calibrate(found, split, 1, [])
    figures = calibration_figures(found, split, 1, calibration)
    right = np.array([right for _, right in pairs])
    scores = calibration.probabilities(found.scores).ravel()
    assert figures["micro_F1_threshold"] == pytest.approx(brute_force_f1(scores, right, int(right.sum())))


def test_each_label_has_a_threshold_of_its_own() -> None:
    rows = [{0: 0.9, 1: 0.2}, {0: 0.8, 1: 0.3}, {0: 0.7, 1: 0.1}, {0: 0.6, 1: 0.25}]
    split = split_of([[1]] * 4, [[0], [0, 1], [], [1]])
    calibration = calibrate(predictions(*rows), split, 3, [])
    figures = calibration_figures(predictions(*rows), split, 3, calibration)
    assert figures["macro_F1_thresholds"] == 1
    assert figures["macro_F1"] < 1
    first, second, third = calibration.thresholds.macro_f1
    assert second < first
    assert third == calibration.thresholds.micro_f1  # of a label that no document has


def test_a_wanted_precision_is_reached_by_the_lowest_threshold_that_does() -> None:
    rows = [{0: 0.9}, {0: 0.8}, {0: 0.7}, {0: 0.6}, {0: 0.5}]
    split = split_of([[1]] * 5, [[0], [0], [], [0], []])
    found = calibrate(predictions(*rows), split, 1, [0.75, 0.9, 0.99])
    kept = {
        wanted: (found.probabilities(predictions(*rows).scores) >= cut).sum()
        for wanted, cut in found.thresholds.precision.items()
    }
    assert kept == {"0.75": 4, "0.9": 2, "0.99": 2}
    wrong = split_of([[1]] * 5, [[], [0], [0], [0], [0]])
    assert calibrate(predictions(*rows), wrong, 1, [0.9]).thresholds.precision == {"0.9": None}
    with pytest.raises(KeyError):
        calibrate(predictions(*rows), wrong, 1, [0.9]).thresholds.of("0.9")
