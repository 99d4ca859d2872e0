"""The one thing an explainer may know of a model."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Scorer(Protocol):
    def scores(self, documents: Sequence[Sequence[str]], labels: Sequence[int]) -> np.ndarray:
        """Sigmoid probabilities (len(documents), len(labels)), float32, of the asked labels only.

        A document is a list of tokens. It may be empty, and its tokens may be outside the vocabulary.
        """
        ...
