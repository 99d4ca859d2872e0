"""The model card: README.md with the front matter that model hubs read, and what a reader has to know."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from xmlcore.config.params import Regime, Training
from xmlcore.data.dataset import Statistics
from xmlcore.ranking.calibration import CalibrationFigures


class Facts(NamedTuple):
    """What is told of a trained model."""

    cell: tuple[str, str, str, str]  # corpus, model, regime, loss
    architecture: str
    language: str
    license: str
    split: str  # whose documents it was measured on, test or validation
    corpus: Statistics
    training: Training
    regime: Regime
    curve: Sequence[Mapping[str, Any]]  # a row for each epsilon, 0 first: `epsilon`, `P@k`, `nDCG@k`
    calibration: CalibrationFigures


def model_card(facts: Facts) -> str:
    """Return the text of README.md."""
    return _template().render(facts=facts, name="-".join(facts.cell), clean=facts.curve[0])


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["percent"] = lambda value: f"{100 * value:.1f}"
    return environment.get_template("card.md.j2")
