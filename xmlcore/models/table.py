"""What architectures have in common: a table of embeddings, and often one linear layer whose rows are the labels."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from xmlcore.common.device import to_device
from xmlcore.data.tokens import PAD
from xmlcore.models.base import Classifier
from xmlcore.models.modules import narrow_linear, shallow_copy


class TableClassifier(Classifier):
    """A classifier that looks its embeddings up in a table of its own."""

    asked: Tensor | None = None  # (K,) the ids of the labels that `narrow` has left; None: all

    def __init__(self, vectors: Tensor, labels: int) -> None:
        """Begin from `vectors` (V, D), the initial embeddings; row `PAD` is held at zero."""
        super().__init__()
        self.labels = labels
        self.embedding = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=PAD)

    @property
    def embedding_table(self) -> Tensor:
        return self.embedding.weight

    def embed(self, tokens: Tensor) -> Tensor:
        return self.embedding(to_device(tokens, self.device))

    def narrow(self, labels: Tensor) -> Self:
        """Return this classifier with `labels` (K,) alone of its `asked` labels, which `score` heeds.

        A model with an output layer of single labels cuts that instead.
        """
        narrowed = shallow_copy(self)
        narrowed.labels = len(labels)
        narrowed.asked = labels if self.asked is None else self.asked[labels]
        return narrowed


class LinearOutputClassifier(TableClassifier):
    """A classifier whose last layer, `output`, has one row for each label."""

    output: nn.Linear

    @property
    def output_parameters(self) -> Sequence[nn.Parameter]:
        return [*self.output.parameters()]

    def initialise_output(self, prior: Tensor) -> None:
        with torch.no_grad():
            self.output.bias.copy_(prior)

    def narrow(self, labels: Tensor) -> Self:
        narrowed = shallow_copy(self)
        narrowed.labels = len(labels)
        narrowed.output = narrow_linear(self.output, labels)
        return narrowed
