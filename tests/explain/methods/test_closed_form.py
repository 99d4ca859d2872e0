"""LIME and SHAP of a linear classifier, whose attributions are known: of a word, weight times scaled tf-idf value.

Without a word the document is shorter, and all values are scaled anew: so LIME agrees with these attributions but for
what all words share, and SHAP is the mean, over the orders in which its tree lets words come, of what each then adds.
"""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import kendalltau, pearsonr

from xmlcore.data.text_reader import TextReader
from xmlcore.data.tokens import Vocabulary
from xmlcore.explain.methods.lime import lime_surrogates
from xmlcore.explain.methods.shap import shap_values
from xmlcore.explain.tokens import MASK, ModelTokens
from xmlcore.models.linear import LinearClassifier
from xmlcore.models.predictor import Predictor

WORDS = [f"word{i}" for i in range(24)]
VOCABULARY = Vocabulary(WORDS)
LABELS, BIAS = 3, -0.25
RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(len(VOCABULARY), LABELS)).astype(np.float32)
IDF = RNG.uniform(1, 2, len(VOCABULARY)).astype(np.float32)


@pytest.fixture
def predictor() -> Predictor:
    """A linear classifier of three labels in one group, that of all documents."""
    weights = sparse.csr_matrix(np.hstack([np.zeros((len(VOCABULARY), 1), np.float32), WEIGHTS]))
    biases = np.array([1e3, *[BIAS] * LABELS], np.float32)
    model = LinearClassifier(IDF, weights, biases, np.zeros(LABELS, np.int32))
    return Predictor(model, TextReader(VOCABULARY, [*"abc"], "whitespace", 50), 64)


@pytest.fixture
def of_distances(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> Predictor:
    """The same, with the distances from the separating planes in the place of probabilities."""
    monkeypatch.setattr(LinearClassifier, "probabilities", lambda self, scores: scores)
    return predictor


def values(words: list[str]) -> np.ndarray:
    """The tf-idf values (V,) of a document, scaled to the length 1."""
    counts = np.bincount(VOCABULARY.encode(words), minlength=len(VOCABULARY))
    found = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * IDF
    return found / np.linalg.norm(found)


def attributions(words: list[str], label: int) -> dict[str, float]:
    shares = WEIGHTS[:, label] * values(words)
    return {word: float(shares[i]) for word, i in zip(words, VOCABULARY.encode(words), strict=True)}


def probability(distance: float) -> float:
    return float(np.exp(-(max(0.0, 1 - distance) ** 2)))


def test_attributions_sum_to_the_distance_without_the_bias(of_distances: Predictor) -> None:
    words = ["word0", "word3", "word0", "word7"]
    scores = of_distances.scores([words], [0, 1, 2])[0]
    expected = [sum(attributions(words, label).values()) + BIAS for label in range(LABELS)]
    assert scores == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("scores", ["of_distances", "predictor"])
def test_lime_agrees_with_the_attributions(scores: str, request: pytest.FixtureRequest) -> None:
    words = [*WORDS, "word3", "word5", "word5"]
    scorer = request.getfixturevalue(scores)
    found = lime_surrogates(words, scorer, range(LABELS), samples=4000, top_tokens=len(WORDS), seed=[0], batch_size=256)
    for surrogate in found:
        expected = attributions(words, surrogate.label)
        known = [expected[word] for word in surrogate.tokens]
        assert pearsonr(surrogate.weights, known)[0] > 0.95
        assert kendalltau(surrogate.weights, known)[0] > 0.85


@pytest.mark.parametrize(("scores", "link"), [("of_distances", float), ("predictor", probability)])
def test_shap_is_what_words_add_in_closed_form(
    scores: str, link: Callable[[float], float], request: pytest.FixtureRequest
) -> None:
    words = ["word0", "word1", "word2", "word0", "word4", "unheard", "word6", "word7"]
    scorer = request.getfixturevalue(scores)
    for found in shap_values(ModelTokens(words), scorer, range(LABELS), evaluations=5000, seed=0, batch_size=64):
        assert found.weights == pytest.approx(added(words, found.label, link), abs=1e-5)


def added(words: list[str], label: int, link: Callable[[float], float]) -> np.ndarray:
    """What each of eight words adds to the score, the others hidden or not, on average over `orders`."""

    def score(shown: set[int]) -> float:
        masked = [word if place in shown else MASK for place, word in enumerate(words)]
        return link(float(values(masked) @ WEIGHTS[:, label]) + BIAS)

    found = np.zeros(8)
    every = orders(list(range(8)))
    for order in every:
        for number, place in enumerate(order):
            found[place] += score({*order[: number + 1]}) - score({*order[:number]})
    return found / len(every)


def orders(places: list[int]) -> list[list[int]]:
    """The orders in which `places` come where each half, and half of a half, comes whole, before or after the other."""
    if len(places) == 1:
        return [places]
    halves = (orders(places[: len(places) // 2]), orders(places[len(places) // 2 :]))
    return [pair for one, other in product(*halves) for pair in (one + other, other + one)]
