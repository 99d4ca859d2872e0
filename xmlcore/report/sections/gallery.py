"""The gallery: word attacks as the explanations of every model of a corpus see them, for a reader to choose from."""

from collections.abc import Hashable, Iterator
from typing import Any

from xmlcore.explain.results import GalleryEntry, WeighedText
from xmlcore.report.results import TEXTS, Cell, Results
from xmlcore.report.sections.faithfulness import EXPLAINERS, in_order
from xmlcore.report.table import NAMES, Column, Table

ABOUT = (
    "Attacks that replace words of a document, made on the reference model, and how every method explains the label "
    "to every model, before and after. Words are marked by their weight, relative to the largest of the text; the "
    "five heaviest are listed above it with their weights.",
)
STRENGTHS = 99  # steps from no weight to the largest of a text


def gallery(results: Results) -> list[dict[str, Any]]:
    """Return what the page's script shows, as JSON: for each corpus and model its cells (trained models) and cases.

    A case is one attack with its two texts; `readings` are what each cell makes of them, None where it was not asked.
    A weight is a whole number of 1 / `STRENGTHS` of `largest`.
    """
    shelves: dict[tuple[str, str], dict[Cell, tuple[GalleryEntry, ...]]] = {}
    for cell, run in results.runs.items():
        if run.gallery:
            shelves.setdefault((cell.corpus, cell.model), {})[cell] = run.gallery
    return [
        {
            "title": f"{corpus} · {model}",
            "cells": [f"{cell.regime} · {cell.loss}" for cell in shelf],
            "cases": _cases([*shelf.values()]),
        }
        for (corpus, model), shelf in shelves.items()
    ]


def ranks(results: Results) -> Table:
    """Tabulate every case in one line: what the attack does to the score and the rank of its label."""
    rows = tuple(
        (*cell, entry["label_name"], f"{entry['document']:,}", entry["goal"], entry["generator"], *_before_after(entry))
        for cell, run in results.runs.items()
        for entry in run.gallery
    )
    columns = (
        *map(Column, (*NAMES, "Label", "Document", "Goal", "Generator")),
        *(Column(name, group) for group in ("Score", "Rank") for name in ("Original", "Attacked")),
    )
    return Table("The documents of the gallery", columns, rows, row_headers=len(NAMES) + 1)


def _before_after(entry: GalleryEntry) -> Iterator[str]:
    original, attacked = entry["texts"]["original"], entry["texts"]["attacked"]
    yield from (f"{text['score']:.3f}" for text in (original, attacked))
    yield from (f"{text['rank']:,}" for text in (original, attacked))


def _cases(shelf: list[tuple[GalleryEntry, ...]]) -> list[dict[str, Any]]:
    found: dict[Hashable, dict[str, Any]] = {}
    for number, entries in enumerate(shelf):
        for entry in entries:
            case = found.setdefault(_identity(entry), _case(entry) | {"readings": [None] * len(shelf)})
            case["readings"][number] = {name: _reading(entry["texts"][name]) for name in TEXTS}
    return [*found.values()]


def _identity(entry: GalleryEntry) -> Hashable:
    """Return a key that is the same for all trained models that explain the same attack on the same words."""
    texts = (tuple(entry["texts"][name]["tokens"]) for name in TEXTS)
    return entry["document"], entry["label_name"], entry["goal"], entry["generator"], *texts


def _case(entry: GalleryEntry) -> dict[str, Any]:
    attack = f"{entry['goal']}, {entry['generator']}".replace("_", " ")
    return {
        "name": f"Document {entry['document']}: {entry['label_name']} ({attack})",
        "label": entry["label_name"],
        "true_labels": entry["true_labels"],
        "texts": {name: _marked(entry["texts"][name]) for name in TEXTS},
    }


def _marked(text: WeighedText) -> dict[str, Any]:
    return {"tokens": text["tokens"], "changed": text["changed"]}


def _reading(text: WeighedText) -> dict[str, Any]:
    return {
        "score": f"{text['score']:.3f}",
        "rank": text["rank"],
        "methods": [
            {"name": EXPLAINERS[method]} | _strengths(text["weights"][method]) for method in in_order(text["weights"])
        ],
    }


def _strengths(weights: list[float]) -> dict[str, Any]:
    largest = max(map(abs, weights), default=0.0)
    return {
        "largest": float(f"{largest:.3g}"),
        "strengths": [round(STRENGTHS * weight / largest) if largest else 0 for weight in weights],
    }
