"""Training documents changed at random, (T,) token ids each, so that no single word decides."""

import numpy as np


def drop_tokens(document: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Return `document` (T,) without a share of its tokens, drawn from 0 to twice `rate`; one token stays at least."""
    kept = document[rng.random(len(document)) >= 2 * rate * rng.random()]
    return kept if len(kept) else document[:1]


def substitute_tokens(
    document: np.ndarray, substitutes: np.ndarray, rate: float, rng: np.random.Generator
) -> np.ndarray:
    """Return `document` (T,) with each token replaced, with probability `rate`, by a random one of its substitutes.

    `substitutes` (V, K) have each token first, and in place of those that it lacks.
    """
    choices = substitutes[document]
    count = (choices != choices[:, :1]).sum(1)
    drawn = np.minimum(1 + (count * rng.random(len(document))).astype(int), count)  # 0, itself, where there is none
    return np.where(rng.random(len(document)) < rate, choices[np.arange(len(document)), drawn], document)
