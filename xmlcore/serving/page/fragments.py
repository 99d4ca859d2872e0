"""Answers as pieces of HTML; every string of a text or a label is escaped."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from xmlcore.common.printable import printable


def show_words(model: str, answer: dict[str, Any]) -> str:
    """Return the words that, as `model` sees it, speak for and against a label, with bars."""
    words = answer.get("words", [])
    largest = max((abs(weight) for _, weight in words), default=0.0) or 1.0
    bars = [(word, weight, abs(weight) / largest) for word, weight in words]
    return _environment().get_template("words.html").render(model=model, answer=answer, bars=bars)


def show_attack(model: str, answer: dict[str, Any]) -> str:
    """Return what an attack on `model` changed, and the labels before and after it."""
    changed = dict(zip(answer.get("positions", []), answer.get("changes", []), strict=True))
    words = [changed.get(i, (word, None)) for i, word in enumerate(answer.get("before", "").split(" "))]
    return _environment().get_template("attack.html").render(model=model, answer=answer, words=words)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) else printable(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
