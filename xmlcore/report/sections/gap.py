"""Figures of one experiment that several parts of the report tell."""

from xmlcore.ranking.results import value_of
from xmlcore.report.results import Experiment, Run


def gap_reduction(experiment: Experiment, epsilon: float) -> float | None:
    """By which share of the base model's P@1 gap the robust model's is smaller; None where the base has no gap."""
    base, robust = (measured(run, epsilon, "gap@1") for run in (experiment.base, experiment.robust))
    if base is None or robust is None or base <= 0:
        return None
    return (base - robust) / base


def measured(run: Run | None, epsilon: float, key: str) -> float | None:
    """The figure `key` of `run` at `epsilon`, None where it was not measured."""
    evaluation = run.at(epsilon) if run else None
    return value_of(evaluation, key) if evaluation else None
