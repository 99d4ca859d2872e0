"""A corpus and a classifier small enough to compute by hand."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from xmlcore.config.architectures import XMLCNNNetwork
from xmlcore.data.batches import TrueLabels, true_labels
from xmlcore.data.dataset import UNSEEN_LABEL, Split
from xmlcore.data.tokens import PAD
from xmlcore.models.base import Classifier
from xmlcore.models.xml_cnn.model import XMLCNN


def split_of(documents: Sequence[Sequence[int]], labels: Sequence[Sequence[int]]) -> Split:
    """A split in memory of token ids and label ids."""

    def flat(lists: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
        values = np.array([value for one in lists for value in one], np.int32)
        return values, np.cumsum([0, *map(len, lists)], dtype=np.int64)

    return Split(*flat(documents), *flat(labels))


def labels_of(*documents: Sequence[int]) -> TrueLabels:
    """The true labels of a batch of as many documents."""
    return true_labels(split_of([[1]] * len(documents), documents), np.arange(len(documents)))


def topics(documents: int, seed: int, labels: int = 40) -> Split:
    """Documents with one or two labels; label i is told by the words 2 i + 1 and 2 i + 2, among six of no meaning."""
    rng = np.random.default_rng(seed)
    own = [rng.choice(labels, rng.integers(1, 3), replace=False) for _ in range(documents)]
    first = 2 * labels + 1
    texts = [
        [*np.concatenate([[2 * label + 1, 2 * label + 2] for label in each]), *rng.integers(first, first + 19, 6)]
        for each in own
    ]
    return split_of(texts, own)


class LinearClassifier(Classifier):
    """Logits `mean of the real tokens' embeddings @ weights + bias`: gradients are known, and the loss is convex."""

    def __init__(self, table: Sequence[Sequence[float]], weights: Sequence[Sequence[float]]) -> None:
        super().__init__()
        self.embedding = nn.Embedding.from_pretrained(torch.tensor(table), freeze=False, padding_idx=PAD)
        self.weights = nn.Parameter(torch.tensor(weights))  # (D, L)
        self.labels = self.weights.shape[1]
        self.bias = nn.Parameter(torch.zeros(self.labels))

    @property
    def embedding_table(self) -> Tensor:
        return self.embedding.weight

    @property
    def output_parameters(self) -> Sequence[nn.Parameter]:
        return [self.weights, self.bias]

    def initialise_output(self, prior: Tensor) -> None:
        self.bias.data.copy_(prior)

    def narrow(self, labels: Tensor) -> "LinearClassifier":
        narrowed = LinearClassifier(self.embedding_table.tolist(), self.weights[:, labels].tolist())
        narrowed.initialise_output(self.bias.detach()[labels])
        return narrowed

    def embed(self, tokens: Tensor) -> Tensor:
        return self.embedding(tokens)

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        total = (embeddings * mask.unsqueeze(-1)).sum(1)
        return total / mask.sum(1, keepdim=True) @ self.weights + self.bias


def random_xml_cnn(labels: int) -> tuple[XMLCNN, Split]:
    """An untrained XML-CNN with unit embeddings, and documents of several lengths and label counts."""
    torch.manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(20, 8))
    model = XMLCNN(vectors, labels, XMLCNNNetwork(windows=[2, 3], filters=8, chunks=2, hidden=16))
    for parameter in (model.output.weight, model.kernel):
        torch.nn.init.normal_(parameter)
    model.embedding.weight.data[PAD] = 0
    rng = np.random.default_rng(0)
    documents = [rng.integers(1, 20, rng.integers(1, 12)) for _ in range(30)]
    chosen = [rng.choice(labels, rng.integers(0, 4), replace=False) for _ in documents]
    return model.eval(), split_of(documents, [*chosen[:-1], [UNSEEN_LABEL, 2]])
