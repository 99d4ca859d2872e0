"""Explanations as the report shows them: the first document of both models side by side, and links to every page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xmlcore.explain.results import LabelExplanation
from xmlcore.explain.token_weights import sum_by_token, top_tokens
from xmlcore.report.results import METHODS, Experiment, Results

TOP = 5
NUMBERS = {"shap": "Figure 3. ", "lime": "Figure 4. "}  # of Sapkal and Savalia (2025)


@dataclass(frozen=True)
class Token:
    text: str
    weight: float
    strength: float  # absolute weight as a fraction of the label's largest, 0 to 1


@dataclass(frozen=True)
class ExplainedLabel:
    """The heaviest tokens of a label; empty for a model that does not predict it."""

    name: str
    base: tuple[Token, ...]
    robust: tuple[Token, ...]


@dataclass(frozen=True)
class LocalExplanation:
    """Figure 3 (SHAP), 4 (LIME) or an unnumbered one: one document, its labels and the pages with the whole text."""

    caption: str
    labels: tuple[ExplainedLabel, ...]
    pages: tuple[tuple[str, Path], ...]  # (model, page)


@dataclass(frozen=True)
class PageList:
    """The pages of one method for one trained model."""

    title: str
    pages: tuple[tuple[str, Path], ...]  # (document, page)


def local_explanations(results: Results) -> list[LocalExplanation]:
    """Return the first explained document of every experiment, by each method."""
    return [
        _local_explanation(results.title(experiment), experiment, method)
        for experiment in results.experiments
        for method in METHODS
        if any(run.explained(method) for _, run in experiment.runs())
    ]


def page_lists(results: Results) -> list[PageList]:
    """Return every explanation page there is, by model and method."""
    return [
        PageList(
            f"{cell.title}, {method.upper()}",
            tuple((page.stem.replace("-", " "), page) for page in pages),
        )
        for cell, run in results.runs.items()
        for method in METHODS
        if method in run.explanations
        if (pages := run.explanations[method].pages)
    ]


def _local_explanation(title: str, experiment: Experiment, method: str) -> LocalExplanation:
    base, robust = (run.explained(method) if run else () for run in (experiment.base, experiment.robust))
    document = min(label["document"] for label in (*base, *robust))
    base_tokens, robust_tokens = dict(_tokens_by_label(base, document)), dict(_tokens_by_label(robust, document))
    return LocalExplanation(
        caption=f"{NUMBERS.get(method, '')}{title}: {method.upper()} weights of test document {document}",
        labels=tuple(
            ExplainedLabel(name, base_tokens.get(name, ()), robust_tokens.get(name, ()))
            for name in base_tokens | robust_tokens
        ),
        pages=tuple(
            (name, page)
            for name, run in experiment.runs()
            if method in run.explanations
            for page in run.explanations[method].pages
            if page.stem == f"document-{document:03d}"
        ),
    )


def _tokens_by_label(labels: Sequence[LabelExplanation], document: int) -> Iterator[tuple[str, tuple[Token, ...]]]:
    for label in labels:
        if label["document"] == document:
            heaviest = top_tokens(sum_by_token(label["tokens"], label["weights"]), TOP)
            largest = max((abs(weight) for _, weight in heaviest), default=0.0) or 1.0
            yield label["label_name"], tuple(Token(text, weight, abs(weight) / largest) for text, weight in heaviest)
