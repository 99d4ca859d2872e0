"""Which tokens a model relies on over many documents: the sum of absolute SHAP values, as data and as a bar chart."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xmlcore.common.printable import printable
from xmlcore.explain.attributions import ShapValues
from xmlcore.explain.token_weights import sum_by_token, top_tokens

LONGEST_NAME = 32  # characters of a token in the chart


def token_importance(values: Iterable[ShapValues], count: int) -> list[dict[str, str | float]]:
    """Return the `count` tokens of largest summed |SHAP value|, `{"token": ..., "importance": ...}`, largest first."""
    pairs = [pair for value in values for pair in zip(value.tokens, value.weights, strict=True)]
    sums = sum_by_token((token for token, _ in pairs), (abs(weight) for _, weight in pairs))
    return [{"token": token, "importance": importance} for token, importance in top_tokens(sums, count)]


def write_importance_chart(path: Path, ranking: list[dict[str, str | float]]) -> None:
    """Draw `ranking` as horizontal bars into an SVG file for light and dark pages; equal rankings give equal bytes."""
    import matplotlib
    from matplotlib.figure import Figure

    grey, blue = "#808080", "#3b82c4"
    names = [_short(printable(row["token"])) for row in ranking]
    settings: Any = {"svg.hashsalt": "token importance", "svg.fonttype": "none", "text.parse_math": False}
    with matplotlib.rc_context(settings | {"text.color": grey, "font.family": "sans-serif"}):
        figure = Figure(figsize=(7, 1.2 + 0.28 * len(ranking)), layout="constrained")
        axes = figure.subplots()
        axes.barh(range(len(ranking)), [row["importance"] for row in ranking], color=blue)
        axes.set_yticks(range(len(ranking)), names)
        axes.invert_yaxis()
        axes.set_xlabel("sum of |SHAP value|", color=grey)
        axes.tick_params(colors=grey, length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(grey)
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
