"""A classifier inside another: what a wrapper does not change is left to the model inside."""

from collections.abc import Sequence

from torch import Tensor, nn

from xmlcore.common.device import to_device
from xmlcore.data.batches import TrueLabels
from xmlcore.models.base import Classifier
from xmlcore.models.modules import shallow_copy
from xmlcore.models.token_rows import TokenRows


class Wrapped(Classifier):
    """A wrapper that changes `score` and leaves the rest to the model inside."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.model, self.labels = model, model.labels

    @property
    def embedding_table(self) -> Tensor:
        return self.model.embedding_table

    @property
    def part_widths(self) -> Sequence[int]:
        return self.model.part_widths

    @property
    def output_parameters(self) -> Sequence[nn.Parameter]:
        return self.model.output_parameters

    def initialise_output(self, prior: Tensor) -> None:
        self.model.initialise_output(prior)

    def narrow(self, labels: Tensor) -> "Wrapped":
        narrowed = shallow_copy(self)
        narrowed.model, narrowed.labels = self.model.narrow(labels), len(labels)
        return narrowed

    def embed(self, tokens: Tensor) -> Tensor:
        return self.model.embed(tokens)


class WithTable(Wrapped):
    """The model inside with the embedding `table` (V, D) in the place of its own."""

    def __init__(self, model: Classifier, table: Tensor) -> None:
        super().__init__(model)
        self._table = table

    @property
    def embedding_table(self) -> Tensor:
        return self._table

    def embed(self, tokens: Tensor) -> Tensor:
        return self._table[to_device(tokens, self.device)]

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        return self.model.score(embeddings, mask)

    def score_rows(self, batch: TokenRows, probe: Tensor | None = None) -> Tensor:
        return self.model.score_rows(batch, probe)

    def loss(self, batch: TokenRows, labels: TrueLabels, probe: Tensor | None = None) -> Tensor:
        return self.model.loss(batch, labels, probe)
