"""LIME: a sparse linear model of the scores near one document. The only module that knows the `lime` package.

Ribeiro, Singh and Guestrin, "Why should I trust you?", KDD 2016. As in `LimeTextExplainer`, the unit is the distinct
word and all its occurrences are removed together: under max pooling another occurrence would take the place of one
removed, and a word that decides the prediction would seem to weigh nothing. The words left keep their order.
"""

from collections.abc import Sequence

import numpy as np
from lime.lime_base import LimeBase

from xmlcore.explain.attributions import Surrogate
from xmlcore.explain.scorer import Scorer

ROUNDING = 1e-6  # of a score, relative
KERNEL_WIDTH = 25.0  # in hundredths of cosine distance, the width of LimeTextExplainer


def lime_surrogates(
    tokens: Sequence[str],
    scorer: Scorer,
    labels: Sequence[int],
    *,
    samples: int,
    top_tokens: int,
    seed: Sequence[int],
    batch_size: int,
) -> list[Surrogate]:
    """Fit one surrogate of at most `top_tokens` words for each of `labels`: equation 5 of the project's paper.

    A document without tokens has no surrogate. The neighbourhood is `samples` documents, the original first, drawn
    from `seed` (for instance the global seed and the document's index) and shared by all labels. They are scored
    `batch_size` at a time; the regression holds samples x words floats.
    """
    if not tokens:
        return []
    words = list(dict.fromkeys(tokens))
    position_of = {word: position for position, word in enumerate(words)}
    word_at = np.array([position_of[token] for token in tokens])
    kept = _neighbourhood(len(words), samples, np.random.default_rng(list(seed)))

    text = np.array(tokens, dtype=object)
    scores = np.concatenate(
        [
            scorer.scores([text[row[word_at]].tolist() for row in kept[start : start + batch_size]], labels)
            for start in range(0, samples, batch_size)
        ]
    )
    distances = 100 * (1 - np.sqrt(kept.mean(axis=1)))  # cosine distance of a 0/1 row to the row of ones
    base = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / KERNEL_WIDTH**2)), random_state=0)
    surrogates = []
    for column, label in enumerate(labels):
        intercept, weights, r2, _ = base.explain_instance_with_data(
            kept.astype(float), scores, distances, column, top_tokens, feature_selection="highest_weights"
        )
        surrogates.append(
            Surrogate(
                label=int(label),
                score=float(scores[0, column]),
                intercept=float(intercept),
                r2=None if _is_constant(scores[:, column]) else float(r2),
                tokens=[words[position] for position, _ in weights],
                weights=[float(weight) for _, weight in weights],
            )
        )
    return surrogates


def _is_constant(scores: np.ndarray) -> bool:
    """Return whether `scores` (n,) differ by rounding alone: there is nothing that a surrogate could be true to."""
    return bool(np.ptp(scores) <= ROUNDING * np.abs(scores).max())


def _neighbourhood(words: int, samples: int, generator: np.random.Generator) -> np.ndarray:
    """Return which words each sample keeps, (samples, words) bool: all, then all but 1 to `words` at random."""
    removed = generator.integers(1, words + 1, size=(samples, 1))
    removed[0] = 0
    rank = generator.random((samples, words)).argsort(axis=1).argsort(axis=1)
    return rank >= removed
