"""A bag of words: one hidden layer over the sum of the words' vectors, as MACH's classifiers have it (seed 004).

The embedding table is the first layer of a network on sparse word counts; a document of T tokens is divided by the
square root of T, so that long ones do not speak louder. Because the sum is linear, it is taken before any position is
looked at one by one.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmlcore.models import Classifier, narrow_linear, shallow_copy
from xmlcore.networks import BagOfWordsNetwork
from xmlcore.text import PAD


class BagOfWords(Classifier):
    """Logits `output(relu(sum of embeddings / sqrt(T) + bias))`."""

    def __init__(self, vectors: Tensor, labels: int, network: BagOfWordsNetwork) -> None:
        """`vectors` (V, D) are the initial embeddings; row `PAD` is held at zero."""
        super().__init__()
        self.labels = labels
        width = vectors.shape[1]
        self.embedding = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=PAD)
        self.bias = nn.Parameter(torch.zeros(width))
        self.output = nn.Linear(width, labels)
        self.dropout = nn.Dropout(network.dropout)
        nn.init.normal_(self.output.weight, std=0.5 / width**0.5)

    @property
    def embedding_table(self) -> Tensor:
        return self.embedding.weight

    @property
    def output_parameters(self) -> Sequence[nn.Parameter]:
        return [*self.output.parameters()]

    def initialise_output(self, prior: Tensor) -> None:
        with torch.no_grad():
            self.output.bias.copy_(prior)

    def narrow(self, labels: Tensor) -> "BagOfWords":
        narrowed = shallow_copy(self)
        narrowed.labels = len(labels)
        narrowed.output = narrow_linear(self.output, labels)
        return narrowed

    def embed(self, tokens: Tensor) -> Tensor:
        return self.embedding(tokens)

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        return self._head((embeddings * mask.unsqueeze(-1)).sum(1), mask)

    def score_rows(self, rows: Tensor, index: Tensor, probe: Tensor | None = None) -> Tensor:
        total = self._sum(rows, index)
        if probe is not None:
            total = total + functional.pad(probe.sum(1), (0, 0, 0, len(index) - len(probe)))
        return self._head(total, index != 0)

    def score_steps(self, rows: Tensor, index: Tensor, direction: Tensor, steps: Sequence[float]) -> list[Tensor]:
        start, along = self._sum(rows, index), direction.sum(1)
        return [self._head(start + step * along, index != 0) for step in steps]

    def _sum(self, rows: Tensor, index: Tensor) -> Tensor:
        return functional.embedding_bag(index, rows, mode="sum", padding_idx=0)

    def _head(self, total: Tensor, mask: Tensor) -> Tensor:
        """Logits (B, L) of sums of embeddings (B, D)."""
        mean = total / mask.sum(1, keepdim=True).sqrt()
        return self.output(self.dropout(torch.relu(mean + self.bias)))
