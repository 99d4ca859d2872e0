"""The figures of attacks that substitute words: success by label frequency, and by how alike the texts must stay."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import cycle
from math import nan
from typing import TYPE_CHECKING

from xmlcore.attacks.words.results import SWEPT, AttackBin, AttackSummary
from xmlcore.config.params import Goal
from xmlcore.report.drawing import LINES, PAGE_COLOUR, Figure, draw
from xmlcore.report.results import BASE, GENERATORS, Cell, Results, reference
from xmlcore.report.sections.word_tables import similarity_threshold, success_rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = Mapping[str, Sequence[AttackBin]]  # the bins of one line by its name


def success_by_loss(results: Results) -> list[Figure]:
    """Draw success on positive targets by label frequency, a line for each loss of clean training.

    It is Figure 2 of Qaraei and Babbar.
    """
    return [
        _by_frequency(results, "losses", corpus, model, generator, curves)
        for (corpus, model), cells in results.attacked.items()
        for generator, curves in _curves(results, {cell.loss: cell for cell in cells if cell.regime == BASE})
    ]


def success_by_regime(results: Results) -> list[Figure]:
    """Draw success on positive targets by label frequency, a line for each regime, where there are several.

    The loss is the plain one or what comes closest.
    """
    return [
        _by_frequency(results, "regimes", corpus, model, generator, curves)
        for (corpus, model), cells in results.attacked.items()
        for loss in [reference(cells).loss]
        for generator, curves in _curves(results, {cell.regime: cell for cell in cells if cell.loss == loss})
        if len(curves) > 1
    ]


def success_by_similarity(results: Results) -> list[Figure]:
    """Draw the success of the first generator by the least similarity that is asked, a line for each goal."""
    figures = []
    for (corpus, model), cells in results.attacked.items():
        cell = reference(cells)
        summaries = results.words[cell].summaries
        generator = next((each for each in GENERATORS if any(each in found for found in summaries.values())), None)
        sweeps = {goal: found[generator] for goal, found in summaries.items() if generator in found}
        if any(len(rates[SWEPT]) > 1 for rates in sweeps.values()):
            figures.append(
                draw(
                    f"words-similarity-{corpus}-{model}",
                    f"{corpus} · {model}, {cell.regime}, {cell.loss}, {generator}: "
                    "success rate by the least similarity, goals compared",
                    partial(_paint_sweeps, sweeps=sweeps),
                )
            )
    return figures


def _curves(results: Results, cells: Mapping[str, Cell]) -> Iterator[tuple[str, Curves]]:
    """Yield every generator with its bins of positive targets, by the name that a cell has in `cells`."""
    for generator in GENERATORS:
        found = {
            name: [
                row for row in results.words[cell].bins if (row["goal"], row["generator"]) == ("positive", generator)
            ]
            for name, cell in cells.items()
        }
        if curves := {name: bins for name, bins in found.items() if bins}:
            yield generator, curves


def _by_frequency(results: Results, names: str, corpus: str, model: str, generator: str, curves: Curves) -> Figure:
    threshold = similarity_threshold(results)
    return draw(
        f"words-{names}-{corpus}-{model}-{generator}",
        f"{corpus} · {model}, {generator}: success rate of positive targets by label frequency, {names} compared",
        partial(_paint_curves, curves=curves, threshold=threshold),
    )


def _paint_curves(axes: "Axes", curves: Curves, threshold: float) -> None:
    from matplotlib.lines import Line2D

    frequencies = sorted({(row["lowest"], row["highest"]) for bins in curves.values() for row in bins})
    legend = []
    for (name, bins), (colour, marker) in zip(curves.items(), cycle(LINES), strict=False):
        by_frequency = {(row["lowest"], row["highest"]): row for row in bins}
        for at_least, style in ((None, "-"), (threshold, "--")):
            rates = [
                success_rate(by_frequency[each], at_least) if each in by_frequency else None for each in frequencies
            ]
            axes.plot(range(len(frequencies)), _percentages(rates), style, color=colour, marker=marker)
        legend.append(Line2D([], [], color=colour, marker=marker, label=name))
    ticks = [f"{lowest:,}" if lowest == highest else f"{lowest:,}–{highest:,}" for lowest, highest in frequencies]
    axes.set_xticks(range(len(frequencies)), ticks)
    axes.set_xlabel("training documents of the label")
    _finish(axes)
    similar = Line2D([], [], color=PAGE_COLOUR, linestyle="--", label=f"similarity ≥ {threshold:.2f}")
    axes.figure.legend(handles=[*legend, similar], loc="outside lower center", ncol=4, columnspacing=1.2)


def _paint_sweeps(axes: "Axes", sweeps: Mapping[Goal, AttackSummary]) -> None:
    for (goal, rates), (colour, marker) in zip(sweeps.items(), cycle(LINES), strict=False):
        thresholds = sorted(rates[SWEPT])
        shares = _percentages([success_rate(rates, threshold) for threshold in thresholds])
        axes.plot(thresholds, shares, color=colour, marker=marker, label=goal)
    axes.set_xlabel("least similarity")
    _finish(axes)


def _percentages(shares: Sequence[float | None]) -> list[float]:
    return [nan if share is None else 100 * share for share in shares]


def _finish(axes: "Axes") -> None:
    axes.set_ylabel("success rate (%)")
    axes.set_ylim(-3, 103)
    axes.grid(color=PAGE_COLOUR, alpha=0.15)
