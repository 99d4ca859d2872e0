"""SVG drawings that read on light and dark pages: text and axes take the colour of the page (`currentColor`).

The same inputs give the same bytes.
"""

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.typing import RcKeyType

LINES = (("#3d85d6", "o"), ("#e07b28", "s"), ("#3f9b57", "^"), ("#a862c9", "D"), ("#cf3c4f", "v"), ("#7d8590", "P"))
PAGE_COLOUR = "#010203"  # stands for currentColor, which matplotlib does not know
STYLE = (
    "svg{color:#24292f;stroke-linejoin:round;stroke-linecap:butt}@media(prefers-color-scheme:dark){svg{color:#d5dae1}}"
)
SETTINGS: "dict[RcKeyType, Any]" = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "text.color": PAGE_COLOUR,
    "axes.labelcolor": PAGE_COLOUR,
    "axes.edgecolor": PAGE_COLOUR,
    "axes.titlecolor": PAGE_COLOUR,
    "xtick.color": PAGE_COLOUR,
    "ytick.color": PAGE_COLOUR,
}


@dataclass(frozen=True)
class Figure:
    """An SVG drawing; `name` is its file name without suffix."""

    name: str
    caption: str
    svg: str


def draw(name: str, caption: str, paint: Callable[["Axes"], None], width: float = 4.8, height: float = 3.0) -> Figure:
    """Draw a figure by letting `paint` draw on axes of `width` by `height` inches; a legend goes below."""
    return draw_panels(name, caption, [("", paint)], width, height)


def draw_panels(
    name: str,
    caption: str,
    panels: Sequence[tuple[str, Callable[["Axes"], None]]],
    width: float = 4.8,
    height: float = 3.0,
) -> Figure:
    """Draw a figure of `panels`, each a title and what paints it on axes of `width` by `height` inches, side by side.

    One legend goes below them all.
    """
    import matplotlib
    from matplotlib.figure import Figure as Drawing

    with matplotlib.rc_context(SETTINGS | {"svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the browser has its own fonts
        drawing = Drawing(figsize=(width * len(panels), height), layout="constrained")
        for axes, (title, paint) in zip(drawing.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            axes.set_title(title)
            paint(axes)
        lines = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))  # the same in every panel
        if lines and not drawing.legends:
            drawing.legend(
                lines.values(), lines.keys(), loc="outside lower center", ncol=4, columnspacing=1.2, handlelength=1.2
            )
        text = StringIO()
        drawing.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return Figure(name, caption, _for_the_web(text.getvalue()))


def _for_the_web(svg: str) -> str:
    """Return the `<svg>` element alone: page colours, system fonts, no identifiers that nothing refers to."""
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<style type="text/css">[^<]*</style>', f"<style>{STYLE}</style>", svg, count=1)
    svg = re.sub(r'<g id="[^"]*"(/?)>', r"<g\1>", svg)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: system-ui, sans-serif", svg)
    return svg.replace(PAGE_COLOUR, "currentColor")
