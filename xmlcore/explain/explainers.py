"""All explainers behind one call, so that they can be measured against each other on the same words.

LIME's unit is the distinct word, all its occurrences together. The others weigh occurrences, and a word's weight is
their sum.
"""

from collections.abc import Callable, Mapping, Sequence
from math import nan
from typing import NamedTuple, Protocol

import numpy as np

from xmlcore.config.params import Explain
from xmlcore.explain.methods.gradient_x_input import gradient_x_input
from xmlcore.explain.methods.integrated_gradients import integrated_gradients
from xmlcore.explain.methods.lime import lime_surrogates
from xmlcore.explain.methods.shap import shap_values
from xmlcore.explain.results import Method
from xmlcore.explain.scorer import Differentiable, Scorer
from xmlcore.explain.token_weights import sum_by_token
from xmlcore.explain.tokens import ModelTokens

METHODS: tuple[Method, ...] = ("lime", "shap", "ig")  # that have pages of their own
READING: tuple[Method, ...] = (*METHODS, "gradient_x_input")  # that look at the model
MEASURED: tuple[Method, ...] = (*READING, "random")


class Model(Scorer, Differentiable, Protocol):
    """What the explainers together ask of a model."""


class Weights(NamedTuple):
    """What one method says of one label of one document."""

    of_tokens: list[float]  # one for each token, in the document's order
    of_words: dict[str, float]  # of the distinct words, in order of first occurrence
    quality: dict[str, float]  # LIME's `r2`, nan where it has none, the `delta` of Integrated Gradients


Explainer = Callable[[Sequence[str], Model, int, int], Weights]


def explainers(options: Explain, seed: int) -> Mapping[str, Explainer]:
    """Return explainers by the names of `MEASURED`, each called with tokens, a model, a label and a document's number.

    With the same numbers and `seed` the same is said. LIME weighs every word here, not `options.top_tokens`: words left
    out would be ranked by chance.
    """

    def lime(tokens: Sequence[str], model: Model, label: int, document: int) -> Weights:
        words = dict.fromkeys(tokens)
        (found,) = lime_surrogates(
            tokens,
            model,
            [label],
            samples=options.lime.samples,
            top_tokens=len(words),
            seed=(seed, document),
            batch_size=options.batch_size,
        )
        weights = dict.fromkeys(words, 0.0) | dict(zip(found.tokens, found.weights, strict=True))
        return Weights([weights[token] for token in tokens], weights, {"r2": nan if found.r2 is None else found.r2})

    def shap(tokens: Sequence[str], model: Model, label: int, document: int) -> Weights:
        (found,) = shap_values(
            ModelTokens([*tokens]),
            model,
            [label],
            evaluations=options.shap.evaluations,
            seed=seed,
            batch_size=options.batch_size,
        )
        return _of_occurrences(tokens, found.weights)

    def ig(tokens: Sequence[str], model: Model, label: int, document: int) -> Weights:
        (found,) = integrated_gradients(
            tokens,
            model,
            [label],
            baseline=options.ig.baseline,
            steps=options.ig.steps,
            batch_size=options.batch_size,
        )
        return _of_occurrences(tokens, found.weights, delta=abs(found.delta))

    def gradient(tokens: Sequence[str], model: Model, label: int, document: int) -> Weights:
        return _of_occurrences(tokens, gradient_x_input(tokens, model, label))

    def random(tokens: Sequence[str], model: Model, label: int, document: int) -> Weights:
        return _of_occurrences(tokens, np.random.default_rng([seed, document]).normal(size=len(tokens)).tolist())

    return dict(zip(MEASURED, (lime, shap, ig, gradient, random), strict=True))


def _of_occurrences(tokens: Sequence[str], weights: Sequence[float], **quality: float) -> Weights:
    return Weights([*weights], sum_by_token(tokens, weights), quality)
