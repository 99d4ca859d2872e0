"""The trials of a tuning: what each one tries, when it is given up, and which one won.

What a trial tries follows from the seed and from the trials that have ended, which are in a journal; so a study that
was killed goes on as if it had not been. Trials draw at random at first and then by a tree-structured Parzen estimator
(Bergstra et al. 2011), both of optuna.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from xmlcore.common.journal import Journal
from xmlcore.config.params import Range
from xmlcore.tuning.settings import Values

COMPARED = 3  # trials that have to end before one is given up
FIRST_EPOCHS = 1  # after which none is given up: a low learning rate begins slowly
DRAWS = 100  # of values, until some are new
DIGITS = 3  # of a number: what is written to params.yaml is what was tried


@dataclass(frozen=True)
class Trial:
    """A trial that has ended."""

    values: Values
    precisions: list[float]  # validation P@1 after each epoch
    precision: float  # of the epoch that was chosen
    given_up: bool
    seconds: float


class OutOfTime(Exception):
    """The time that a study was given is over."""


class GivenUp(Exception):
    """A trial is worse than others were at the same epoch."""


AfterEpoch = Callable[[float], None]  # is told the validation P@1; raises `GivenUp`
Train = Callable[[int, Values, AfterEpoch], float]  # trains the trial of a number; returns the P@1 of the chosen epoch


class Budget:
    """So many minutes from now on."""

    def __init__(self, minutes: float) -> None:
        self._end = time.monotonic() + 60 * minutes

    def check(self) -> None:
        """Raise `OutOfTime` when they are over."""
        if time.monotonic() >= self._end:
            raise OutOfTime


class Study:
    """The trials of one recipe. Its own values are the first one's."""

    def __init__(self, own: Values, ranges: Mapping[str, Range], seed: int, journal: Journal) -> None:
        """Begin with the trials in `journal`; `own` has the recipe's value for each key of `ranges`."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._own, self._ranges, self._seed, self._journal = own, ranges, seed, journal
        self._distributions = {key: _distribution(each, own[key]) for key, each in ranges.items()}
        self.trials = [Trial(**journal[number]) for number in range(len(journal))]

    @property
    def best(self) -> Trial:
        """The trial with the highest precision, of several the first."""
        return max((trial for trial in self.trials if not trial.given_up), key=lambda trial: trial.precision)

    @property
    def gain(self) -> Values:
        """The values of the best trial that are not the recipe's own, none if the recipe itself is the best."""
        return {key: value for key, value in self.best.values.items() if value != self._own[key]}

    def run(self, train: Train, ended: Callable[["Study"], None]) -> None:
        """Try values until `train` raises `OutOfTime`, or nothing is left to try; `ended` is called after each."""
        try:
            while (asked := self._ask()) is not None:
                trial = self._try(*asked, train)
                self._journal.append(asdict(trial))
                self.trials.append(trial)
                ended(self)
        except OutOfTime:
            return

    def _try(self, values: Values, asked: optuna.Trial, train: Train) -> Trial:
        precisions: list[float] = []

        def after_epoch(precision: float) -> None:
            precisions.append(precision)
            asked.report(precision, len(precisions))
            if asked.should_prune():
                raise GivenUp

        began = time.monotonic()
        try:
            precision, given_up = train(len(self.trials), values, after_epoch), False
        except GivenUp:
            precision, given_up = max(precisions), True
        return Trial(values, precisions, precision, given_up, round(time.monotonic() - began, 1))

    def _ask(self) -> tuple[Values, optuna.Trial] | None:
        """Return values that none of the trials had, None if there seem to be no more."""
        (seed,) = np.random.SeedSequence([self._seed, len(self.trials)]).generate_state(1)
        study = optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=int(seed)),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=COMPARED, n_warmup_steps=FIRST_EPOCHS + 1),
        )
        if not self.trials:
            return self._own, study.ask()
        study.add_trials([self._frozen(trial) for trial in self.trials])
        tried = [trial.values for trial in self.trials]
        for _ in range(DRAWS):
            asked = study.ask(self._distributions)
            values = {key: self._value(key, each) for key, each in asked.params.items()}
            if values not in tried:
                return values, asked
            study.tell(asked, state=TrialState.FAIL)
        return None

    def _value(self, key: str, drawn: Any) -> Any:
        """Return the value of the parameter `key` that optuna has `drawn`."""
        limits = self._ranges[key]
        if limits.choices is not None:
            return limits.choices[drawn]
        low, high = limits.between
        return min(max(float(f"{drawn:.{DIGITS}g}"), low), high) if isinstance(drawn, float) else drawn

    def _frozen(self, trial: Trial) -> FrozenTrial:
        """Return `trial` as optuna has it, without the recipe's own values where they are outside the ranges."""
        within = {key: value for key, value in trial.values.items() if _is_within(value, self._ranges[key])}
        return optuna.create_trial(
            state=TrialState.PRUNED if trial.given_up else TrialState.COMPLETE,
            value=trial.precision,
            params={key: _drawn(value, self._ranges[key]) for key, value in within.items()},
            distributions={key: self._distributions[key] for key in within},
            intermediate_values=dict(enumerate(trial.precisions, start=1)),
        )


def _is_within(value: Any, limits: Range) -> bool:
    low, high = limits.between
    return low <= value <= high if limits.choices is None else value in limits.choices


def _drawn(value: Any, limits: Range) -> Any:
    """Return what optuna would have drawn for `value`: of choices, the place."""
    return value if limits.choices is None else limits.choices.index(value)


def _distribution(limits: Range, own: Any) -> BaseDistribution:
    """Return what a parameter is drawn from; numbers are whole where the recipe's own is."""
    if limits.choices is not None:
        return CategoricalDistribution(range(len(limits.choices)))  # their places, for they may be lists
    kind = IntDistribution if isinstance(own, int) else FloatDistribution
    return kind(*limits.between, log=limits.log)
