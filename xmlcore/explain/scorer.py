"""What an explainer may know of a model: its probabilities, or its logits as a function that has a gradient."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


class Scorer(Protocol):
    def scores(self, documents: Sequence[Sequence[str]], labels: Sequence[int]) -> np.ndarray:
        """Return probabilities (len(documents), len(labels)), float32, of the asked labels only.

        A document is a list of tokens. It may be empty, and its tokens may be outside the vocabulary.
        """
        ...


class Differentiable(Protocol):
    """A classifier between its embeddings and its logits; `D` is the embeddings' width, `K` the labels asked."""

    def embed(self, tokens: Sequence[str]) -> "Tensor":
        """Return embeddings (1, T, D) of a document of tokens, one row for each token that the model reads."""
        ...

    def logits(self, labels: Sequence[int]) -> Callable[["Tensor"], "Tensor"]:
        """Return the logits (B, K) of `labels` as a function of embeddings (B, T, D) without padding.

        The function has a gradient with respect to the embeddings, and to nothing else.
        """
        ...
