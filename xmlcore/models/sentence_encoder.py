"""A frozen sentence encoder: documents are vectors, of which their neighbours and a linear layer tell the labels.

The vector of a document is the mean of a pretrained BERT's states after its first layers, of unit norm (Reimers and
Gurevych 2019). The nearest training documents vote for their labels, weighted by a softmax over their cosines; a linear
layer, a logistic regression from vectors to each label, gives a probability of its own. The model's is the mean of the
two, in shares that are given.

Nothing of it needs an epoch: with `training.epochs` 0 all is found when it is prepared, from vectors that
`xmlcore.data.document_vectors` has computed once. It is differentiable to the embeddings of the tokens all the same.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from xmlcore.common.errors import UserError
from xmlcore.config.architectures import Memory, SentenceEncoderNetwork
from xmlcore.data.batches import batches, pad
from xmlcore.data.bert_bodies import check_length, frozen_body, make_body, mean_state
from xmlcore.data.dataset import Split
from xmlcore.models.base import Distinct
from xmlcore.models.losses import label_prior
from xmlcore.models.modules import narrow_linear
from xmlcore.models.table import TableClassifier
from xmlcore.models.token_rows import TokenRows

BATCH_SIZE = 64  # of documents that are read where no vectors of them are stored
PRIOR = 0.01  # votes, for each label in the share of the documents that has it: no label is quite without
ITERATIONS = 30  # of L-BFGS; more change nothing that a ranking shows
AT_ONCE = 1 << 24  # pairs of document and label in a regression: what bounds the memory
LEAST_COSINE = 0.98  # of a stored vector and the one of the same document here, where one of them was rounded


class SentenceEncoder(TableClassifier):
    """Its `memory` (N, D) has the vectors of the training documents; `labels_of` (N, Y) their labels, L for none."""

    memory: Tensor
    labels_of: Tensor
    prior: Tensor  # (L,) logits
    body: nn.Module

    def __init__(self, vectors: Tensor, labels: int, network: SentenceEncoderNetwork) -> None:
        """Begin from `vectors` (V, D), the embeddings of the checkpoint's pieces; row `PAD` is held at zero.

        Raises `UserError` where they are not as wide as the body.
        """
        super().__init__(vectors, labels)
        self._network, width = network, vectors.shape[1]
        if network.body:
            self._shape, self.body = network.body, make_body(network.body, dropout=0.0).requires_grad_(False)
            special = torch.zeros(2, self._shape.width)
        else:
            self.body, special, self._shape = frozen_body(network.checkpoint, network.layers)
        if width != self._shape.width:
            raise UserError(
                f"embedding: vectors of width {width} for a BERT of width {self._shape.width}; give "
                f"{{kind: checkpoint, checkpoint: {network.checkpoint}}}"
            )
        self.special = nn.Parameter(special, requires_grad=False)  # separator, class
        self.output = nn.Linear(width, labels)
        memory = network.memory or Memory(documents=1, labels=1)
        self.register_buffer("memory", torch.zeros(memory.documents, width))
        self.register_buffer("labels_of", torch.full((memory.documents, memory.labels), labels))
        self.register_buffer("prior", torch.zeros(labels))

    def network_found(self) -> dict[str, Any]:
        documents, labels = self.labels_of.shape
        return {"body": self._shape, "memory": Memory(documents=documents, labels=labels)}

    @property
    def output_parameters(self) -> Sequence[nn.Parameter]:
        return [*self.output.parameters()]

    @torch.no_grad()
    def prepare(self, split: Split, seed: int, distinct: Distinct | None = None) -> None:
        """Remember the documents of `split` with their labels, and let the output begin at a logistic regression.

        Raises `UserError` for documents that are too long, and for stored vectors that are not of this encoder.
        """
        check_length(self._shape, int(split.lengths.max()))
        read = distinct or self.distinct
        self.memory = self._read_all(split, read) if split.vectors is None else self._stored(split, read)
        counts = np.diff(split.label_offsets)
        labels_of = np.full((len(split), max(1, int(counts.max()))), self.labels)
        known = np.where(split.labels < 0, self.labels, split.labels)
        labels_of[np.arange(labels_of.shape[1]) < counts[:, None]] = known
        self.labels_of = torch.from_numpy(labels_of)
        self._regress(label_prior(split, self.labels))

    def initialise_output(self, prior: Tensor) -> None:
        with torch.no_grad():
            self.output.bias.copy_(prior)
            self.prior.copy_(prior)

    def narrow(self, labels: Tensor) -> "SentenceEncoder":
        narrowed = super().narrow(labels)
        narrowed.output = narrow_linear(self.output, labels)
        return narrowed

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        vectors, share = self.vectors(embeddings, mask), self._network.linear_share
        linear, votes = self.output(vectors), self._votes(vectors)
        present = share * linear.sigmoid() + (1 - share) * votes
        absent = share * (-linear).sigmoid() + (1 - share) * (1 - votes)
        smallest = torch.finfo(present.dtype).tiny
        return present.clamp(min=smallest).log() - absent.clamp(min=smallest).log()

    def vectors(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Return the vectors (B, D) of `embeddings` (B, T, D), of unit norm."""
        check_length(self._shape, mask.shape[1])
        return functional.normalize(mean_state(self.body, self.special, embeddings, mask))

    def _votes(self, vectors: Tensor) -> Tensor:
        """Return the probabilities (B, L) by the labels of the nearest documents, and a little by the prior."""
        nearest = (vectors @ self.memory.T).topk(min(self._network.neighbours, len(self.memory)))
        weights = (nearest.values / self._network.temperature).softmax(1)
        labels = self.labels_of[nearest.indices]
        votes = weights.unsqueeze(-1).expand(labels.shape).flatten(1)
        given = votes.new_zeros(len(votes), len(self.prior) + 1).scatter_add(1, labels.flatten(1), votes)[:, :-1]
        found = (given + PRIOR * self.prior.sigmoid()) / (1 + PRIOR)
        return found if self.asked is None else found[:, self.asked]

    def _regress(self, prior: Tensor) -> None:
        """Fit the output to the memory: the logits `prior` (L,) stay, and the weights of each label are regularised."""
        size = max(1, AT_ONCE // len(self.memory))
        for labels in torch.arange(self.labels).split(size):
            places = self.labels_of - labels[0]
            outside = (places < 0) | (places >= len(labels))
            truth = self.memory.new_zeros(len(self.memory), len(labels) + 1)
            truth.scatter_(1, places.masked_fill(outside, len(labels)), 1)
            found = _regression(self.memory, truth[:, :-1], prior[labels], self._network.penalty)
            self.output.weight[labels] = found

    def _read_all(self, split: Split, distinct: Distinct) -> Tensor:
        found = self.memory.new_empty(len(split), self.memory.shape[1])
        for documents in batches(split.lengths, BATCH_SIZE):
            found[documents] = self._read(split, documents, distinct)
        return found

    def _read(self, split: Split, documents: np.ndarray, distinct: Distinct) -> Tensor:
        batch: TokenRows = distinct(pad([split.document(i) for i in documents]))
        return self.vectors(batch.embeddings(), batch.mask)

    def _stored(self, split: Split, distinct: Distinct) -> Tensor:
        """Return the stored vectors, once the first and the last document have been read to see whose they are."""
        stored = torch.from_numpy(np.array(split.vectors, np.float32))
        ends = np.array([0, len(split) - 1])
        if (
            stored.shape[1] != self.memory.shape[1]
            or ((stored[ends] * self._read(split, ends, distinct)).sum(1) < LEAST_COSINE).any()
        ):
            raise UserError(
                "embedding.layers: the stored vectors are not what network.checkpoint makes of the documents after "
                f"network.layers, {self._network.layers}; give both sections the same"
            )
        return stored


@torch.enable_grad()
def _regression(features: Tensor, truth: Tensor, prior: Tensor, penalty: float) -> Tensor:
    """Return the weights (K, D) of logistic regressions from `features` (N, D) to `truth` (N, K), by L-BFGS.

    Each label has its logit `prior` (K,), and the `penalty` on half the squared length of its weights.
    """
    weights = features.new_zeros(len(prior), features.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        logits = torch.addmm(prior, features, weights.T)
        misfit = functional.binary_cross_entropy_with_logits(logits, truth, reduction="sum")
        loss = (misfit + penalty / 2 * weights.square().sum()) / len(features)
        loss.backward()
        return loss

    optimiser.step(closure)
    return weights.detach()
