"""Wide and deep learning (Cheng et al. 2016): classifiers side by side whose logits are added, and learned together.

What a bag of words knows from its beginning, which rare labels need, a convolution need not learn again: the loss is
of the sum, so that each part learns what the others leave. That is what tells it from an ensemble, in which every
member must do alone. All parts read embeddings: an attack on these, and an attribution to them, goes through each.
"""

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from xmlcore.data.batches import TrueLabels
from xmlcore.models.base import Classifier
from xmlcore.models.bounds import LogitBounds
from xmlcore.models.ensemble import Ensemble
from xmlcore.models.merged_bounds import AddedBounds
from xmlcore.models.token_rows import SubstitutedRows, TokenRows


class WideAndDeep(Ensemble):
    """The `classifiers` are the parts, whose logits are added label by label."""

    def initialise_output(self, prior: Tensor) -> None:
        """Let the first part begin at `prior` (L,) and the others at 0, so that the sum begins there."""
        for number, classifier in enumerate(self.classifiers):
            classifier.initialise_output(torch.zeros_like(prior) if number else prior)

    def merge(self, logits: Sequence[Tensor]) -> Tensor:
        return reduce(torch.add, logits)

    def merge_bounds(self, parts: Sequence[LogitBounds]) -> LogitBounds:
        return AddedBounds(parts)

    def loss(self, batch: TokenRows, labels: TrueLabels, probe: Tensor | None = None) -> Tensor:
        """Return the binary cross-entropy of the added logits; a part has no loss of its own."""
        return Classifier.loss(self, batch, labels, probe)

    def losses_within(self, batch: SubstitutedRows, labels: TrueLabels, radius: float) -> tuple[Tensor, Tensor] | None:
        return Classifier.losses_within(self, batch, labels, radius)
