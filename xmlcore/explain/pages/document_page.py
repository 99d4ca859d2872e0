"""One HTML page for each explained document: self-contained, without scripts, every string of the corpus escaped.

All methods share it. lime's own page is 1.2 MB and lets markup in the text through; shap 0.51's needs scripts, does
not escape label names, and under numpy 2 writes colours no browser can read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template

from xmlcore.common.printable import printable
from xmlcore.explain.attributions import PathAttribution, ShapValues, Surrogate
from xmlcore.explain.documents import Document
from xmlcore.explain.token_weights import sum_by_token, top_tokens
from xmlcore.explain.tokens import MaskableDocument


@dataclass(frozen=True)
class Bar:
    token: str
    weight: float
    share: float  # of the largest absolute weight of the label, 0 to 1


@dataclass(frozen=True)
class LabelView:
    name: str
    score: float
    facts: Mapping[str, float]
    bars: Sequence[Bar]
    text: Sequence[tuple[str, Bar]]  # the text before a token, the token


def lime_page(title: str, document: Document, tokens: MaskableDocument, surrogates: Sequence[Surrogate]) -> str:
    """Return the page of a document's LIME explanations; `tokens` is what was explained, in the document's order."""
    views = []
    for surrogate in surrogates:
        weights = dict(zip(surrogate.tokens, surrogate.weights, strict=True))
        facts = {"Intercept": surrogate.intercept}
        if surrogate.r2 is not None:
            facts = {"R² (local fidelity)": surrogate.r2, **facts}
        by_position = [weights.get(token, 0.0) for token in tokens.tokens]
        ranking = list(weights.items())
        views.append(_label_view(document, surrogate.label, surrogate.score, facts, ranking, tokens, by_position))
    return _render(title, "LIME", document, views)


def shap_page(title: str, document: Document, tokens: MaskableDocument, values: Sequence[ShapValues], top: int) -> str:
    """Return the page of a document's SHAP values, with a table of the `top` tokens of each label."""
    views = []
    for value in values:
        facts = {
            "Base value (all tokens hidden)": value.base_value,
            "Sum of SHAP values": value.score - value.base_value,
        }
        ranking = top_tokens(sum_by_token(value.tokens, value.weights), top)
        views.append(_label_view(document, value.label, value.score, facts, ranking, tokens, value.weights))
    return _render(title, "SHAP", document, views)


def ig_page(
    title: str, document: Document, tokens: MaskableDocument, attributions: Sequence[PathAttribution], top: int
) -> str:
    """Return the page of a document's Integrated Gradients, with a table of the `top` tokens of each label."""
    views = []
    for attribution in attributions:
        facts = {
            "Logit": attribution.logit,
            "Baseline logit": attribution.baseline_logit,
            "Sum of attributions": sum(attribution.weights),
            "Convergence delta": attribution.delta,
        }
        ranking = top_tokens(sum_by_token(attribution.tokens, attribution.weights), top)
        views.append(
            _label_view(document, attribution.label, attribution.score, facts, ranking, tokens, attribution.weights)
        )
    return _render(title, "Integrated Gradients", document, views)


def _label_view(
    document: Document,
    label: int,
    score: float,
    facts: Mapping[str, float],
    ranking: Sequence[tuple[str, float]],
    tokens: MaskableDocument,
    by_position: Sequence[float],
) -> LabelView:
    name = next(prediction.name for prediction in document.predictions if prediction.label == label)
    return LabelView(
        name=name,
        score=score,
        facts=facts,
        bars=_bars(ranking),
        text=list(zip(tokens.gaps, _bars(list(zip(tokens.tokens, by_position, strict=True))), strict=True)),
    )


def _bars(weights: Sequence[tuple[str, float]]) -> list[Bar]:
    largest = max((abs(weight) for _, weight in weights), default=0.0) or 1.0
    return [Bar(token, weight, abs(weight) / largest) for token, weight in weights]


def _render(title: str, method: str, document: Document, views: Sequence[LabelView]) -> str:
    return _template().render(title=title, method=method, document=document, views=views)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        finalize=printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("explanation.html")
