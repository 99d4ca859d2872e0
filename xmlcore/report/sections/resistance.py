"""One picture of what is left: P@1 of every model clean, attacked and certified."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from xmlcore.config.params import format_epsilon
from xmlcore.report.drawing import PAGE_COLOUR, Figure, draw
from xmlcore.report.results import Cell, Results, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#3d85d6", "#e07b28", "#cf3c4f", "#a862c9", "#3f9b57")
BAR, BETWEEN = 0.17, 0.1  # inches

Bars = list[tuple[str, float | None]]  # what was done to the documents, and P@1 then


def resistance(results: Results) -> list[Figure]:
    """Draw for each corpus P@1 of its models: clean, under attacks on embeddings and on words, and certified."""
    drawings = []
    for corpus in dict.fromkeys(cell.corpus for cell in results.runs):
        models = {_name(cell, results): bars for cell, bars in _models(results) if cell.corpus == corpus}
        if not models:
            continue
        kinds = [kind for kind, _ in next(iter(models.values()))]
        kinds = [kind for kind in kinds if any(dict(bars)[kind] is not None for bars in models.values())]
        drawings.append(
            draw(
                f"resistance-{corpus}",
                f"{corpus}: P@1 of each model, clean, attacked and certified",
                partial(_paint, models=models, kinds=kinds),
                width=7.2,
                height=0.9 + len(models) * (len(kinds) * BAR + BETWEEN),
            )
        )
    return drawings


def _models(results: Results) -> Iterator[tuple[Cell, Bars]]:
    for cell, run in results.runs.items():
        bars = _bars(run, results.epsilon)
        if any(share is not None for _, share in bars):
            yield cell, bars


def _bars(run: Run, epsilon: float) -> Bars:
    clean, attacked, words = run.at(0), run.at(epsilon), run.certification
    certified = words and words["certified"]
    return [
        ("clean", clean["P@1"] if clean else None),
        (f"FGSM, ε = {format_epsilon(epsilon)}", attacked["P@1"] if attacked else None),
        ("the worst of all attacks on embeddings", run.worst_case["worst"]["mean"] if run.worst_case else None),
        ("every word substituted", words["attacked"]["P@1"] if words else None),
        ("certified: whatever word is substituted", certified["P@1"] if certified else None),
    ]


def _name(cell: Cell, results: Results) -> str:
    several = len({each.loss for each in results.runs}) > 1
    return ", ".join((cell.model, cell.regime, *((cell.loss,) if several else ())))


def _paint(axes: "Axes", models: dict[str, Bars], kinds: list[str]) -> None:
    size = len(kinds) * BAR + BETWEEN
    colours = dict(zip([kind for kind, _ in next(iter(models.values()))], COLOURS, strict=True))
    for place, kind in enumerate(kinds):
        shares = [dict(bars)[kind] for bars in models.values()]
        known = [(number * size + place * BAR, 100 * share) for number, share in enumerate(shares) if share is not None]
        positions, lengths = zip(*known, strict=True)
        drawn = axes.barh(positions, lengths, BAR * 0.92, color=colours[kind], label=kind)
        axes.bar_label(drawn, fmt="%.0f", fontsize=7, padding=2)
    middle = (len(kinds) - 1) * BAR / 2
    axes.set_yticks([number * size + middle for number in range(len(models))], [*models])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 105)
    axes.set_xlabel("P@1 (%)")
    axes.grid(axis="x", color=PAGE_COLOUR, alpha=0.15)
