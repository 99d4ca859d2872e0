"""Figures of one experiment that several parts of the report tell."""

from xmlcore.ranking.results import value_of
from xmlcore.report.results import Experiment, Run


def gap_reduction(experiment: Experiment, epsilon: float) -> float | None:
    """Return the share of the base model's P@1 gap by which the robust one's is smaller; None if the base has none."""
    base, robust = (measured(run, epsilon, "gap@1") for run in (experiment.base, experiment.robust))
    if base is None or robust is None or base <= 0:
        return None
    return (base - robust) / base


def clean(run: Run, key: str) -> float | None:
    """Return the figure `key` of `run` without an attack, None where it was not measured."""
    evaluation = run.at(0) or run.ranking
    return value_of(evaluation, key) if evaluation else None


def measured(run: Run | None, epsilon: float, key: str) -> float | None:
    """Return the figure `key` of `run` at `epsilon`, None where it was not measured."""
    evaluation = run.at(epsilon) if run else None
    return value_of(evaluation, key) if evaluation else None
