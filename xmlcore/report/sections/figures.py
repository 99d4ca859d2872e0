"""The figures of the report, one for each experiment or model; numbered ones follow Sapkal and Savalia (2025)."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from xmlcore.common.printable import printable
from xmlcore.config.params import format_epsilon
from xmlcore.ranking.results import value_of
from xmlcore.report.drawing import PAGE_COLOUR, Figure, draw
from xmlcore.report.results import Experiment, Results
from xmlcore.report.sections.tables import ATTACKERS, CUTOFFS, SQUEEZES, squeezed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"Base": "#3d85d6", "Robust": "#e07b28"}


def performance(results: Results) -> list[Figure]:
    """Draw Figure 2 for each experiment: P@k and nDCG@k of both models, clean and attacked."""
    attack = f"FGSM, ε = {format_epsilon(results.epsilon)}"
    return [
        draw(
            f"performance-{_slug(experiment)}",
            f"Figure 2. {results.title(experiment)}: base and robust model on clean and attacked test data ({attack})",
            partial(_paint_performance, experiment=experiment, epsilon=results.epsilon),
            width=7.2,
        )
        for experiment in results.experiments
        if any(run.evaluations for _, run in experiment.runs())
    ]


def precision_by_epsilon(results: Results) -> list[Figure]:
    """Draw P@k against the strength of the attack, for each experiment."""
    return [
        draw(
            f"epsilon-{_slug(experiment)}",
            f"{results.title(experiment)}: P@k against the strength of the attack",
            partial(_paint_sweep, experiment=experiment),
        )
        for experiment in results.experiments
        if any(len(run.evaluations) > 1 for _, run in experiment.runs())
    ]


def squeezing(results: Results) -> list[Figure]:
    """Draw P@1 of the feature squeezing ablation, for each experiment."""
    attack = f"FGSM, ε = {format_epsilon(results.epsilon)}"
    return [
        draw(
            f"squeezing-{_slug(experiment)}",
            f"{results.title(experiment)}: P@1 by what is squeezed, attacker unaware and aware of it ({attack})",
            partial(_paint_squeezing, experiment=experiment, epsilon=results.epsilon),
        )
        for experiment in results.experiments
        if any(squeezed(run, results.epsilon, SQUEEZES[-1], ATTACKERS[-1]) for _, run in experiment.runs())
    ]


def learning(results: Results) -> list[Figure]:
    """Draw validation P@1 by epoch, for each experiment."""
    return [
        draw(
            f"learning-{_slug(experiment)}",
            f"{results.title(experiment)}: P@1 on clean validation data by epoch",
            partial(_paint_learning, experiment=experiment),
        )
        for experiment in results.experiments
        if any(run.learning for _, run in experiment.runs())
    ]


def global_importance(results: Results) -> list[Figure]:
    """Draw Figure 5 for each model: the tokens with the largest summed absolute SHAP value."""
    return [
        draw(
            f"shap-{_slug(experiment)}-{name.lower()}",
            f"Figure 5. {results.title(experiment)}, {name.lower()} model: most important tokens (summed |SHAP value|)",
            partial(_paint_importances, name=name, importances=importances),
            height=0.8 + 0.19 * len(importances),
        )
        for experiment in results.experiments
        for name, run in experiment.runs()
        if "shap" in run.explanations
        if (importances := [(printable(i["token"]), i["importance"]) for i in run.explanations["shap"].importances])
    ]


def _paint_performance(axes: "Axes", experiment: Experiment, epsilon: float) -> None:
    metrics = [f"{metric}@{k}" for metric in ("P", "nDCG") for k in CUTOFFS]
    bars = [
        (f"{name}, {state}", COLOURS[name], alpha, [value_of(evaluation, metric) for metric in metrics])
        for name, run in experiment.runs()
        for state, alpha, evaluation in (("clean", 1.0, run.at(0)), ("attacked", 0.45, run.at(epsilon)))
        if evaluation
    ]
    _grouped_bars(axes, metrics, bars)


def _paint_squeezing(axes: "Axes", experiment: Experiment, epsilon: float) -> None:
    bars = []
    for name, run in experiment.runs():
        for attacker, alpha in zip(ATTACKERS[1:], (0.9, 0.45), strict=True):
            rows = [squeezed(run, epsilon, squeeze, attacker) for squeeze in SQUEEZES]
            shares = [row["P@1"] for row in rows if row]
            if len(shares) == len(SQUEEZES):
                bars.append((f"{name}, {attacker}", COLOURS[name], alpha, shares))
    _grouped_bars(axes, SQUEEZES, bars)
    axes.set_ylabel("P@1 (%)")


def _grouped_bars(axes: "Axes", groups: Sequence[str], bars: Sequence[tuple[str, str, float, Sequence[float]]]) -> None:
    """Draw bars of (name, colour, opacity, shares), beside each other in every group, labelled with their per cent."""
    width = 0.84 / max(len(bars), 1)
    for i, (name, colour, alpha, shares) in enumerate(bars):
        positions = [group + (i - (len(bars) - 1) / 2) * width for group in range(len(groups))]
        drawn = axes.bar(positions, [100 * s for s in shares], width * 0.94, color=colour, alpha=alpha, label=name)
        axes.bar_label(drawn, fmt="%.0f", fontsize=7, padding=1)
    axes.set_xticks(range(len(groups)), groups)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("%")
    axes.grid(axis="y", color=PAGE_COLOUR, alpha=0.15)


def _paint_sweep(axes: "Axes", experiment: Experiment) -> None:
    from matplotlib.lines import Line2D

    lines: tuple[Literal["-", "--", ":"], ...] = ("-", "--", ":")
    styles = dict(zip(CUTOFFS, lines, strict=True))
    for name, run in experiment.runs():
        for k, style in styles.items():
            strengths = [e["epsilon"] for e in run.evaluations]
            shares = [100 * value_of(e, f"P@{k}") for e in run.evaluations]
            axes.plot(strengths, shares, style, marker="o", color=COLOURS[name])
    axes.set_xlabel("ε")
    axes.set_ylabel("%")
    axes.set_ylim(bottom=0)
    axes.grid(color=PAGE_COLOUR, alpha=0.15)
    axes.figure.legend(
        handles=[
            *(Line2D([], [], color=COLOURS[name], linewidth=4, label=name) for name, _ in experiment.runs()),
            *(Line2D([], [], color=PAGE_COLOUR, linestyle=style, label=f"P@{k}") for k, style in styles.items()),
        ],
        loc="outside lower center",
        ncol=5,
        columnspacing=1.2,
    )


def _paint_learning(axes: "Axes", experiment: Experiment) -> None:
    from matplotlib.ticker import MaxNLocator

    for name, run in experiment.runs():
        if run.learning:
            epochs, shares = zip(*run.learning, strict=True)
            axes.plot(epochs, [100 * share for share in shares], marker="o", color=COLOURS[name], label=name)
    axes.set_xlabel("epoch")
    axes.set_ylabel("P@1 (%)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color=PAGE_COLOUR, alpha=0.15)


def _paint_importances(axes: "Axes", name: str, importances: Sequence[tuple[str, float]]) -> None:
    tokens, sums = zip(*importances, strict=True)
    axes.barh(range(len(tokens)), sums, color=COLOURS[name], height=0.72)
    axes.set_yticks(range(len(tokens)), [token if len(token) <= 24 else token[:23] + "…" for token in tokens])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set_xlabel("summed |SHAP value|")
    axes.grid(axis="x", color=PAGE_COLOUR, alpha=0.15)


def _slug(experiment: Experiment) -> str:
    return f"{experiment.corpus}-{experiment.model}-{experiment.loss}"
