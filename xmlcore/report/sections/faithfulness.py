"""Whether explanations say what the model does: removing the words they name must change its score."""

from collections.abc import Iterable, Mapping
from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING

from xmlcore.explain.results import Erasure, Faithfulness, Method, Removal
from xmlcore.report.drawing import LINES, PAGE_COLOUR, Figure, draw
from xmlcore.report.results import Results
from xmlcore.report.table import MISSING, NAMES, Column, Row, Table, figure, interval, verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXPLAINERS: dict[Method, str] = {
    "lime": "LIME",
    "shap": "SHAP",
    "ig": "IG",
    "gradient_x_input": "Gradient × input",
    "random": "Random",
}
PAIRS = {f"{one}_{other}": f"{EXPLAINERS[one]}, {EXPLAINERS[other]}" for one, other in permutations(EXPLAINERS, 2)}
ABOUT = (
    "An explanation is faithful if the words it names are those that the model needs. Words are removed, the heaviest "
    "first, by masking or by deleting them, and the score of the label is followed. Random weights are the baseline: "
    "a method whose interval of normalised AOPC (words masked) touches that of random ones has shown nothing.",
)
MEANINGS = (
    ("Comprehensiveness", "How much the score falls as words go, the heaviest first. Higher is better."),
    ("Sufficiency", "How much the score falls as words go, the lightest first. Lower is better."),
    (
        "Normalised AOPC",
        "The area over the curve of the score as words go, between that of the worst order and that of the best; 1 is "
        "best. Comparable between models. Mean and confidence interval.",
    ),
    (
        "τ, leave one out",
        "Rank correlation of the weights with what leaving out each word does. Higher is better.",
    ),
    ("Sparseness", "Gini index of the weights: 0 where all are equal, 1 where one word has all of it."),
    ("Sensitivity", "How much the weights change when the input is moved a little. Lower is better."),
    (
        "Shuffled weights",
        "Rank correlation with the explanation of a model whose weights were shuffled. It should be near 0: otherwise "
        "the explanation shows the text and not the model.",
    ),
    ("R²", "How well LIME's linear surrogate fits the model."),
    ("δ", "What the weights of Integrated Gradients sum to beyond the change of the logit, the error of the integral."),
    ("Seconds", "Wall-clock for one explanation."),
)
REMOVALS: dict[Removal, str] = {"masking": "Words masked", "deletion": "Words deleted"}


def methods(results: Results) -> list[Table]:
    """Return one table for each trained model, with the methods of explanation as rows."""
    columns = (
        Column("Method"),
        *(
            Column(name, group)
            for group in REMOVALS.values()
            for name in ("Comprehensiveness", "Sufficiency", "Normalised AOPC")
        ),
        *map(Column, ("Better than random", "τ, leave one out", "Sparseness", "Sensitivity", "Shuffled weights")),
        *map(Column, ("R²", "δ", "Seconds")),
    )
    return [
        Table(
            f"{cell.title}: faithfulness on {found['documents']:,} documents",
            columns,
            tuple(_method_row(method, found, run.explaining) for method in in_order(found["methods"])),
        )
        for cell, run in results.runs.items()
        if (found := run.faithfulness)
    ]


def intervals(results: Results) -> list[Figure]:
    """Draw normalised AOPC (words masked) by method: a figure for each corpus and model, a colour for each cell."""
    panels: dict[tuple[str, str], dict[str, Faithfulness]] = {}
    for cell, run in results.runs.items():
        if run.faithfulness:
            panels.setdefault((cell.corpus, cell.model), {})[f"{cell.regime} · {cell.loss}"] = run.faithfulness
    return [
        draw(
            f"faithfulness-{corpus}-{model}",
            f"{corpus} · {model}: normalised AOPC of every method, with its confidence interval",
            partial(_paint, cells=cells),
        )
        for (corpus, model), cells in panels.items()
    ]


def agreement(results: Results) -> Table:
    """Tabulate how many of their ten heaviest words each pair of methods shares (Jaccard index)."""
    measured = {cell: run.faithfulness["agreement"] for cell, run in results.runs.items() if run.faithfulness}
    pairs = [*dict.fromkeys(pair for found in measured.values() for pair in found)]
    rows = tuple((*cell, *(figure(found.get(pair)) for pair in pairs)) for cell, found in measured.items())
    columns = (*NAMES, *(PAIRS.get(pair, pair) for pair in pairs))
    caption = "Agreement of methods: Jaccard index of the ten heaviest words"
    return Table(caption, tuple(map(Column, columns)), rows, row_headers=len(NAMES))


def in_order(methods: Iterable[Method]) -> list[Method]:
    """Return `methods` in the order of `EXPLAINERS`."""
    return sorted(methods, key=[*EXPLAINERS].index)


def _paint(axes: "Axes", cells: Mapping[str, Faithfulness]) -> None:
    shown = in_order({method for found in cells.values() for method in found["methods"]})
    for number, (name, found) in enumerate(cells.items()):
        colour, marker = LINES[number % len(LINES)]
        shift = 0.6 * ((number + 0.5) / len(cells) - 0.5)
        measured = {
            shown.index(method) + shift: score
            for method, faith in found["methods"].items()
            if (score := faith["masking"]["naopc"])
        }
        rows, scores = [*measured], measured.values()
        axes.hlines(rows, [score["low"] for score in scores], [score["high"] for score in scores], color=colour)
        axes.plot([score["mean"] for score in scores], rows, marker, color=colour, label=name)
    axes.set_yticks(range(len(shown)), [EXPLAINERS[method] for method in shown])
    axes.invert_yaxis()
    axes.set_xlabel("normalised AOPC")
    axes.grid(axis="x", color=PAGE_COLOUR, alpha=0.15)


def _method_row(method: Method, found: Faithfulness, seconds: Mapping[str, float]) -> Row:
    faith = found["methods"][method]
    better = found["better_than_random"].get(method)
    return (
        EXPLAINERS[method],
        *(text for removal in REMOVALS for text in _erasure(faith[removal])),
        MISSING if better is None else verdict(better, "yes", "no"),
        figure(faith.get("tau_leave_one_out")),
        figure(faith.get("sparseness")),
        figure(faith.get("sensitivity")),
        figure(faith.get("randomised")),
        figure(faith.get("r2")),
        figure(faith.get("delta"), decimals=4),
        figure(seconds.get(method)),
    )


def _erasure(found: Erasure) -> tuple[str, str, str]:
    return figure(found["comprehensiveness"]), figure(found["sufficiency"]), interval(found["naopc"])
