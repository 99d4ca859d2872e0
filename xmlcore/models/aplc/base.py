"""Adaptive probabilistic label clusters on a pretrained body (Ye et al. 2020): a hidden layer, then the clusters.

Attacks perturb the embeddings of a document's pieces of words. The body, a model of `transformers`, has no embeddings
of its own: a subclass gives it these, between its special pieces, laid out as the body was trained to read them.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from xmlcore.common.errors import UserError
from xmlcore.config.architectures import APLCNetwork, TransformerShape
from xmlcore.data.batches import TrueLabels
from xmlcore.data.dataset import Split
from xmlcore.data.pretrained import Body, Family, load_body
from xmlcore.data.propensity import label_frequencies
from xmlcore.models.aplc.label_clusters import LabelClusters
from xmlcore.models.base import Distinct
from xmlcore.models.modules import shallow_copy
from xmlcore.models.table import TableClassifier
from xmlcore.models.token_rows import TokenRows

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class APLC(TableClassifier):
    """A classifier that begins as a checkpoint; with a `network.body`, as a stored model has, no checkpoint is read."""

    family: ClassVar[Family]
    shape: TransformerShape

    def __init__(self, vectors: Tensor, labels: int, network: APLCNetwork) -> None:
        """Begin from `vectors` (V, D), the initial embeddings; row `PAD` is held at zero.

        Raises `UserError` where they are not as wide as the body.
        """
        super().__init__(vectors, labels)
        pretrained: Body | None = None
        if network.body:
            self.shape = network.body
        else:
            pretrained = load_body(network.checkpoint, self.family)
            self.shape = pretrained.shape
        width = vectors.shape[1]
        if width != self.shape.width:
            raise UserError(
                f"embedding: vectors of width {width} for {self.family.name} of width {self.shape.width}; give "
                f"{{kind: checkpoint, checkpoint: {network.checkpoint}}}"
            )
        self.body = self.make_body(network.dropout)
        self.special = nn.Parameter(self.body.config.initializer_range * torch.randn(2, width))  # separator, class
        self.summary = nn.Linear(width, network.hidden)
        self.clusters = LabelClusters(network.hidden, labels, network.clusters, network.factor)
        self.dropout = nn.Dropout(network.dropout)
        if pretrained:
            self.special.data.copy_(pretrained.special)
            self.body.load_state_dict({name: pretrained.state[name] for name in self.body.state_dict()})

    @abstractmethod
    def make_body(self, dropout: float) -> "PreTrainedModel":
        """Return a body of `shape` with random weights, without its embeddings of words."""

    @abstractmethod
    def read(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Return a vector for each document, (B, D), as the body reads `embeddings` (B, T, D); `mask` as in `score`."""

    def network_found(self) -> dict[str, Any]:
        return {"body": self.shape}

    @property
    def output_parameters(self) -> Sequence[nn.Parameter]:
        return [*self.clusters.parameters()]

    def prepare(self, split: Split, seed: int, distinct: Distinct | None = None) -> None:
        self.clusters.arrange(torch.from_numpy(label_frequencies(split, labels=self.labels)))

    def initialise_output(self, prior: Tensor) -> None:
        self.clusters.initialise(prior)

    def narrow(self, labels: Tensor) -> "APLC":
        narrowed = shallow_copy(self)
        narrowed.labels = len(labels)
        narrowed.clusters = self.clusters.narrow(labels)
        return narrowed

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        return self.clusters(self.features(embeddings, mask))

    def loss(self, batch: TokenRows, labels: TrueLabels, probe: Tensor | None = None) -> Tensor:
        """Return the loss of the label clusters for a batch, over the head and the tails with labels of the batch."""
        return self.clusters.loss(self.features(batch.embeddings(probe), batch.mask), labels)

    def features(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Return the features (B, F) of `embeddings` (B, T, D), which the clusters read."""
        return self.dropout(torch.tanh(self.summary(self.read(embeddings, mask))))
