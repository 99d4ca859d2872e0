"""The one figure that each experiment is read for: by how much adversarial training closes the robustness gap."""

from dataclasses import dataclass

from xmlcore.ranking.results import value_of
from xmlcore.report.results import Experiment, Results, Run
from xmlcore.report.table import percent


@dataclass(frozen=True)
class Headline:
    """P@1 of the base and of the robust model, as "95.07 → 95.33", and the reduction of the gap as a fraction."""

    title: str
    reduction: float
    clean: str
    attacked: str


def headlines(results: Results) -> list[Headline]:
    """What adversarial training changes, for every experiment of which both models were evaluated."""
    found = []
    for experiment in results.experiments:
        reduction = gap_reduction(experiment, results.epsilon)
        if reduction is None:
            continue
        clean, attacked = (
            " → ".join(percent(measured(run, epsilon, "P@1")) for run in (experiment.base, experiment.robust))
            for epsilon in (0, results.epsilon)
        )
        found.append(Headline(results.title(experiment), reduction, clean, attacked))
    return found


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
