"""A bag of words: the direction of the sum of its words' vectors, and one logit a label (as in Joulin et al. 2017).

The embedding table is the first layer of a network on sparse word counts, as in MACH's own classifiers.
Vectors that begin as random directions, scaled by the rarity of their word, make the sum a random projection of tf-idf;
the output begins at the prototype of each label, the mean direction of its documents, or at a ridge regression to the
labels. So the untrained model is the nearest-prototype classifier in tf-idf, which rare labels need, or a linear one,
and training moves on from there.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmlcore.config.architectures import BagOfWordsNetwork
from xmlcore.data.batches import batches, pad, true_labels
from xmlcore.data.dataset import Split
from xmlcore.models.base import Distinct
from xmlcore.models.direction_bounds import DirectionBounds
from xmlcore.models.table import LinearOutputClassifier
from xmlcore.models.token_rows import SubstitutedRows, TokenRows

PREPARED = 1024  # documents at once, which share the rows of their words
BLOCK = 512  # columns of products that are added up at once


class BagOfWords(LinearOutputClassifier):
    """Logits `output(sum of embeddings / its norm)`."""

    def __init__(self, vectors: Tensor, labels: int, network: BagOfWordsNetwork) -> None:
        super().__init__(vectors, labels)
        self.prototype_scale, self.ridge = network.prototype_scale, network.ridge
        width = vectors.shape[1]
        self.output = nn.Linear(width, labels)
        self.dropout = nn.Dropout(network.dropout)

    @torch.no_grad()
    def prepare(self, split: Split, seed: int, distinct: Distinct | None = None) -> None:
        """Let the output begin at the labels' prototypes, or at a ridge regression to the labels."""
        if not self.prototype_scale:
            return
        width = self.output.in_features
        total = self.output.weight.new_zeros(self.labels + 1, width)
        shared, products = total.new_zeros(width), total.new_zeros(width, width)
        for documents in batches(split.lengths, PREPARED):
            features = self._features((distinct or self.distinct)(pad([split.document(i) for i in documents])))
            labels = true_labels(split, documents).ids
            places = torch.where(labels < 0, self.labels, labels)
            rows = torch.arange(len(documents)).unsqueeze(1).expand_as(places)
            total.index_add_(0, places.flatten(), features[rows.flatten()])
            shared += features.sum(0)
            if self.ridge:
                _add_lower_half(products, features)
        begin = _ridge(total[:-1], products, self.ridge) if self.ridge else _prototypes(total[:-1], shared)
        self.output.weight.copy_(self.prototype_scale * begin)

    def initialise_output(self, prior: Tensor) -> None:
        """Let every label begin at `prior` (L,), or at its mean: a ridge regression knows which labels are frequent."""
        super().initialise_output(prior.mean().expand_as(prior) if self.ridge else prior)

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        return self._head((embeddings * mask.unsqueeze(-1)).sum(1))

    def score_rows(self, batch: TokenRows, probe: Tensor | None = None) -> Tensor:
        total = self._sum(batch)
        if probe is not None:
            total = total + functional.pad(probe.sum(1), (0, 0, 0, len(batch.row_of) - len(probe)))
        return self._head(total)

    def score_steps(self, batch: TokenRows, direction: Tensor, steps: Sequence[float]) -> list[Tensor]:
        start, along = self._sum(batch), direction.sum(1)
        return [self._head(start + step * along) for step in steps]

    def score_substitutions(self, document: TokenRows, positions: Tensor, substitutes: Tensor) -> Tensor:
        """Return the logits (S, L) of the copies, each from the sums of the words before and after its substitute.

        To take a heavy word off the sum of all words would leave its rounding error.
        """
        words = document.embeddings()
        before = functional.pad(words.cumsum(0), (0, 0, 1, 0))[positions]
        after = functional.pad(words.flip(0).cumsum(0).flip(0), (0, 0, 0, 1))[positions + 1]
        return self._head(before + after + document.rows[substitutes])

    def bounds(self, batch: SubstitutedRows, radius: float = 1.0, share: float = 1.0) -> DirectionBounds:
        """Return bounds of the logits; in training all documents of a batch lose the same features to dropout."""
        kept = self.dropout(torch.ones_like(self.output.weight[0]))
        return DirectionBounds(batch, radius, share, self.output.weight * kept, self.output.bias)

    def _features(self, batch: TokenRows) -> Tensor:
        return functional.normalize(self._sum(batch))

    def _sum(self, batch: TokenRows) -> Tensor:
        return functional.embedding_bag(batch.row_of, batch.rows, mode="sum", padding_idx=0)

    def _head(self, total: Tensor) -> Tensor:
        """Return the logits (B, L) of sums of embeddings (B, D)."""
        return self.output(self.dropout(functional.normalize(total)))


def _prototypes(total: Tensor, shared: Tensor) -> Tensor:
    """Return the directions (L, D) of `total`, the sum of each label's documents.

    They are taken without the direction of `shared` (D,), the sum of all documents, which would move every prior.
    """
    prototypes, shared = functional.normalize(total), functional.normalize(shared, dim=0)
    prototypes -= torch.outer(prototypes @ shared, shared)
    return functional.normalize(prototypes)


def _add_lower_half(products: Tensor, features: Tensor) -> None:
    """Add XᵀX of `features` X (B, D) to `products` (D, D), at and below the diagonal: the rest is the same again."""
    for start in range(0, features.shape[1], BLOCK):
        end = start + BLOCK
        products[start:, start:end].addmm_(features[:, start:].T, features[:, start:end])


def _ridge(total: Tensor, products: Tensor, penalty: float) -> Tensor:
    """Return coefficients (L, D) of the ridge regression from the features X to the labels Y, in units of mean length.

    `total` is YᵀX and `products` XᵀX, of which the lower half is read. A row is as long as its label is frequent and
    easily told: with that length rare labels are never ranked first, with none too often. Each is divided by the square
    root of it.
    """
    products.diagonal().add_(penalty)
    coefficients = torch.cholesky_solve(total.T, torch.linalg.cholesky(products)).T
    lengths = coefficients.norm(dim=1, keepdim=True)
    return coefficients / (lengths * lengths.mean()).sqrt().clamp(min=1e-8)
