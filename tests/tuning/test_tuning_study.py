"""What the trials of a study try, when they are given up, and that a study goes on where it was killed."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

optuna = pytest.importorskip("optuna", reason="optuna, which is optional, is not installed")

from xmlcore.common.journal import Journal  # noqa: E402
from xmlcore.config.params import Range  # noqa: E402
from xmlcore.tuning.settings import Values  # noqa: E402
from xmlcore.tuning.study import AfterEpoch, Budget, GivenUp, OutOfTime, Study, Train  # noqa: E402
from xmlcore.tuning.trainings import Trainings  # noqa: E402

RANGES = {
    "training.learning_rate": Range(low=0.0001, high=1.0, log=True),
    "network.filters": Range(low=1, high=9),
    "network.windows": Range(choices=[[1], [2, 4], [8]]),
}
OWN = {"training.learning_rate": 0.0001, "network.filters": 64, "network.windows": [2, 4]}  # filters out of its range


class Killed(Exception):
    pass


def goodness(values: Values) -> float:
    """Best at a rate of 0.1 with windows [8]."""
    return 0.8 - abs(values["training.learning_rate"] - 0.1) / 2 + 0.1 * (values["network.windows"] == [8])


def training(trials: int, log: list[Values] | None = None, stop: type[Exception] = OutOfTime) -> Train:
    """Train so many trials, each for three epochs that leave half of what is missing; then comes the `stop`."""

    def train(number: int, values: Values, after_epoch: AfterEpoch) -> float:
        if number == trials:
            raise stop
        if log is not None:
            log.append(values)
        for epoch in (1, 2, 3):
            after_epoch(goodness(values) * (1 - 0.5**epoch))
        return goodness(values) * (1 - 0.5**3)

    return train


def nothing(study: Study) -> None:
    pass


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Study]:
    def study(seed: int = 3, name: str = "a", ranges: dict[str, Range] = RANGES, own: Values = OWN) -> Study:
        return Study(own, ranges, seed, Journal(tmp_path / name, "mine"))

    return study


def told(study: Study) -> list[Any]:
    return [(trial.values, trial.precisions, trial.precision, trial.given_up) for trial in study.trials]


def test_the_recipes_own_values_are_the_first_and_the_best_are_found(study: Callable[..., Study]) -> None:
    tuned, calls = study(), list[int]()
    tuned.run(training(30), lambda study: calls.append(len(study.trials)))
    assert tuned.trials[0].values == OWN and not tuned.trials[0].given_up
    assert calls == [*range(1, 31)]
    assert tuned.best.precision > 0.75 * 0.9 > tuned.trials[0].precision
    assert tuned.best.values["network.windows"] == [8]
    assert set(tuned.gain) == set(OWN)
    for trial in tuned.trials[1:]:
        rate, filters = trial.values["training.learning_rate"], trial.values["network.filters"]
        assert 0.0001 <= rate <= 1.0 and rate == float(f"{rate:.3g}")
        assert filters in range(1, 10) and type(filters) is int


def test_a_trial_worse_than_the_median_at_an_epoch_is_given_up_there(study: Callable[..., Study]) -> None:
    tuned = study()
    tuned.run(training(20), nothing)
    given_up = [trial for trial in tuned.trials if trial.given_up]
    assert given_up and all(len(trial.precisions) == 2 for trial in given_up)  # here no order changes after an epoch
    assert all(trial.precision == max(trial.precisions) for trial in given_up)
    assert not any(trial.given_up for trial in tuned.trials[:3])
    for number, trial in enumerate(tuned.trials[3:], start=3):
        whole = sorted(each.precisions[1] for each in tuned.trials[:number] if not each.given_up)
        median = (whole[(len(whole) - 1) // 2] + whole[len(whole) // 2]) / 2
        assert trial.given_up == (trial.precisions[1] < median)


def test_where_nothing_is_better_there_is_no_gain(study: Callable[..., Study]) -> None:
    best = {"training.learning_rate": 0.1, "network.filters": 5, "network.windows": [8]}
    tuned = study(own=best)
    tuned.run(training(8), nothing)
    assert tuned.best is tuned.trials[0] and tuned.gain == {}


def test_the_same_seed_gives_the_same_trials_and_another_one_others(study: Callable[..., Study]) -> None:
    first, again, other = study(name="a"), study(name="b"), study(name="c", seed=4)
    for each in (first, again, other):
        each.run(training(14), nothing)
    assert told(first) == told(again)
    assert told(first)[0] == told(other)[0] and told(first)[1:] != told(other)[1:]


@pytest.mark.parametrize("stop", [OutOfTime, Killed])
def test_a_study_that_was_stopped_goes_on_as_if_it_had_not_been(study: Callable[..., Study], stop: type) -> None:
    undisturbed = study(name="whole")
    undisturbed.run(training(16), nothing)
    log: list[Values] = []
    for trials in (0, 1, 5, 11, 16):
        stopped = study(name="stopped")
        try:
            stopped.run(training(trials, log, stop), nothing)
        except Killed:
            assert stop is Killed
    assert told(study(name="stopped")) == told(undisturbed)
    assert log == [trial.values for trial in undisturbed.trials]  # none twice


def test_values_are_never_tried_twice_and_end(study: Callable[..., Study]) -> None:
    ranges = {"network.windows": Range(choices=[[1], [2, 4], [8]]), "network.filters": Range(low=1, high=2)}
    own = {"network.windows": [8], "network.filters": 2}
    tuned = study(ranges=ranges, own=own)
    tuned.run(lambda number, values, after_epoch: 0.5, nothing)
    assert sorted(str(trial.values) for trial in tuned.trials) == sorted(
        str({"network.windows": windows, "network.filters": filters})
        for windows in ([1], [2, 4], [8])
        for filters in (1, 2)
    )


def test_a_budget_ends() -> None:
    Budget(1).check()
    with pytest.raises(OutOfTime):
        Budget(0).check()


def test_a_training_without_an_epoch_does_not_begin_out_of_time_either() -> None:
    nothing = dict.fromkeys([field.name for field in fields(Trainings)])
    with pytest.raises(OutOfTime):
        Trainings(**nothing | {"budget": Budget(0)}).train(0, {}, lambda precision: None)


def test_given_up_reaches_the_training(study: Callable[..., Study]) -> None:
    """It ends there, where it can let go of what it holds."""
    ended = []

    def train(number: int, values: Values, after_epoch: AfterEpoch) -> float:
        try:
            return training(20)(number, values, after_epoch)
        except GivenUp:
            ended.append(number)
            raise

    tuned = study()
    tuned.run(train, nothing)
    assert ended == [number for number, trial in enumerate(tuned.trials) if trial.given_up]
