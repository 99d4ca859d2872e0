"""SHAP: Owen values of a document's tokens by the partition explainer. The only module that knows the `shap` package.

Lundberg and Lee, "A unified approach to interpreting model predictions", NeurIPS 2017. shap is given a plain game
of on/off players, and the documents are put together here: `shap.maskers.Text` glues masked tokens to a string that
has to be split again, and its clustering takes cubic time in the number of tokens.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numba import config

from xmlcore.explain.attributions import ShapValues
from xmlcore.explain.scorer import Scorer
from xmlcore.explain.tokens import MaskableDocument

# The loops that shap compiles as it is imported are short here: to compile them costs seconds in every process.
WITHOUT_JIT = config.DISABLE_JIT  # type: ignore[attr-defined]
config.DISABLE_JIT = True  # type: ignore[attr-defined]
import shap  # noqa: E402

config.DISABLE_JIT = WITHOUT_JIT  # type: ignore[attr-defined]


def shap_values(
    document: MaskableDocument, scorer: Scorer, labels: Sequence[int], *, evaluations: int, seed: int, batch_size: int
) -> list[ShapValues]:
    """Share each label's score among the tokens with about `evaluations` masked copies of the document.

    A document without tokens has no values. Tokens are grouped by a balanced binary tree over their positions; groups
    whose turn never came share their value evenly. The labels are explained together, from the same copies.
    """
    tokens = document.tokens
    if not tokens:
        return []

    def score(coalitions: np.ndarray) -> np.ndarray:
        return scorer.scores([document.masked(row > 0) for row in coalitions], labels)

    masker = shap.maskers.Partition(np.zeros((1, len(tokens))), clustering=balanced_tree(len(tokens)))
    with _seeded(seed):
        values = shap.PartitionExplainer(score, masker)(
            np.ones((1, len(tokens))), max_evals=evaluations, batch_size=batch_size, silent=True
        )
    weights, base_values = values.values[0], values.base_values[0]
    return [
        ShapValues(
            label=int(label),
            score=float(base_values[column] + weights[:, column].sum()),
            base_value=float(base_values[column]),
            tokens=tokens,
            weights=weights[:, column].tolist(),
        )
        for column, label in enumerate(labels)
    ]


def balanced_tree(leaves: int) -> np.ndarray:
    """Return a balanced tree over neighbours as scipy's linkage (leaves - 1, 4): two children, height, size."""
    level = [(leaf, 1) for leaf in range(leaves)]
    merges: list[tuple[int, int, int, int]] = []
    while len(level) > 1:
        parents = []
        for (left, left_size), (right, right_size) in zip(level[::2], level[1::2], strict=False):
            size = left_size + right_size
            parents.append((leaves + len(merges), size))
            merges.append((left, right, size, size))
        level = parents + level[len(level) & ~1 :]
    return np.array(merges, dtype=float).reshape(-1, 4)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed numpy's global generator, by which shap breaks ties, and give it back as it was."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)
