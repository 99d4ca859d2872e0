"""Adaptive probabilistic label clusters (Ye et al. 2020): labels of like frequency are predicted together.

Labels are ranked by how many training documents have them. The head cluster predicts the frequent ones, and for each
tail cluster whether a document has any of its labels; a tail predicts its labels among the documents that have one:

    p(label | x) = p(cluster | x) p(label | cluster, x)

Each tail reads the features through a bottleneck, by a factor narrower than that of the tail before.
Shapes: `B` batch, `L` labels, `K` labels that are asked for, `F` features.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmlcore.data.batches import TrueLabels
from xmlcore.models.losses import binary_cross_entropy
from xmlcore.models.modules import Modules, narrow_linear, shallow_copy


class LabelClusters(nn.Module):
    """Logits of `labels` labels from `features` features; the tails begin at `shares` of the ranked labels.

    Where there are few labels, a tail that would be empty is left out, and the head has one label at least.
    """

    rank: Tensor  # (L,) the place of each label among all, the most frequent first

    def __init__(self, features: int, labels: int, shares: Sequence[float], factor: float) -> None:
        super().__init__()
        starts = sorted({max(1, round(share * labels)) for share in shares} - {labels})
        self.sizes = [end - start for start, end in zip([0, *starts], [*starts, labels], strict=True)]
        widths = [max(1, int(features / factor**k)) for k in range(1, len(self.sizes))]
        self.register_buffer("rank", torch.arange(labels))
        self.output = nn.Linear(features, self.sizes[0] + len(widths))  # the head: its labels, then the indicators
        self.tails = Modules[_Tail](_Tail(features, *shape) for shape in zip(widths, self.sizes[1:], strict=True))

    def arrange(self, frequencies: Tensor) -> None:
        """Rank the labels by falling `frequencies` (L,), then by id."""
        self.rank[frequencies.argsort(descending=True, stable=True)] = torch.arange(len(self.rank))

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits (B, L) of all labels, in the tails of products of probabilities, from `features` (B, F)."""
        head, indicators = self.output(features).tensor_split([self.sizes[0]], dim=1)
        of_tails = zip(indicators.unsqueeze(-1).unbind(1), self.tails, strict=True)
        tails = (logit_of_product(indicator, tail(features)) for indicator, tail in of_tails)
        return torch.cat([head, *tails], dim=1)[:, self.rank]

    def loss(self, features: Tensor, labels: TrueLabels) -> Tensor:
        """Return the negative log-likelihood, summed over the head and, for documents with its labels, each tail.

        The indicator of a tail weighs as much as the heaviest of the labels in it that the document has.
        """
        cluster, column = self._places(labels.ids.clamp(min=0))
        in_head = torch.where(cluster == 0, column, self.sizes[0] + cluster - 1)
        logits = self.output(features)
        loss = binary_cross_entropy(logits, labels.targets(in_head, logits.shape[1]))
        for k, tail in enumerate(self.tails, start=1):
            inside = (cluster == k) & (labels.ids >= 0)
            documents = inside.any(1).nonzero()[:, 0]
            own = TrueLabels(labels.ids.masked_fill(~inside, -1), labels.weights).of(documents)
            targets = own.targets(column[documents], self.sizes[k])
            loss = loss + binary_cross_entropy(tail(features[documents]), targets)
        return loss

    def narrow(self, labels: Tensor) -> "LabelClusters":
        """Return these clusters for the label ids `labels` (K,) alone; tails that have none of them are left out."""
        cluster, column = self._places(labels)
        chosen = [column[cluster == k] for k in range(len(self.sizes))]
        kept = [k for k in range(1, len(self.sizes)) if len(chosen[k])]
        narrowed = shallow_copy(self)
        narrowed._buffers = {"rank": cluster.argsort(stable=True).argsort()}
        narrowed.sizes = [len(chosen[0]), *(len(chosen[k]) for k in kept)]
        indicators = labels.new_tensor([self.sizes[0] + k - 1 for k in kept])
        narrowed.output = narrow_linear(self.output, torch.cat([chosen[0], indicators]))
        narrowed.tails = Modules(self.tails[k - 1].narrow(chosen[k]) for k in kept)
        return narrowed

    def initialise(self, prior: Tensor) -> None:
        """Set the biases so that they alone give every label its logit `prior` (L,).

        A tail's indicator gets twice the odds that a document has any of its labels, were these independent: then
        there is a conditional probability below 1 with which each label has exactly its prior.
        """
        ranked = torch.empty_like(prior, dtype=torch.float64).index_copy_(0, self.rank, prior.double())
        head, *tails = ranked.split(self.sizes)
        rate = torch.stack([functional.softplus(tail).sum() for tail in tails]) if tails else ranked[:0]
        indicators = math.log(2) + rate + torch.log(-torch.expm1(-rate))  # log(2 (e^rate - 1)) without overflow
        with torch.no_grad():
            self.output.bias.copy_(torch.cat([head, indicators]))
            for tail, wanted, indicator in zip(self.tails, tails, indicators, strict=True):
                odds_against = torch.exp(-wanted) - torch.exp(-indicator)
                tail.output.bias.copy_(functional.softplus(-indicator) - torch.log(odds_against))

    def _places(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cluster of each label id of `labels`, 0 for the head, and its column within that cluster."""
        rank = self.rank[labels]
        starts = rank.new_tensor([0, *self.sizes]).cumsum(0)
        cluster = torch.bucketize(rank, starts[1:-1], right=True)
        return cluster, rank - starts[cluster]


class _Tail(nn.Module):
    """The logits of labels within their cluster, through a bottleneck of `width`."""

    def __init__(self, features: int, width: int, labels: int) -> None:
        super().__init__()
        self.narrowing = nn.Linear(features, width, bias=False)
        self.output = nn.Linear(width, labels)

    def forward(self, features: Tensor) -> Tensor:
        return self.output(self.narrowing(features))

    def narrow(self, labels: Tensor) -> "_Tail":
        """Return this tail with its outputs `labels` (K,) alone, which are columns within the tail."""
        narrowed = shallow_copy(self)
        narrowed.output = narrow_linear(self.output, labels)
        return narrowed


def logit_of_product(first: Tensor, second: Tensor) -> Tensor:
    """Return the logit of the product of two probabilities, given by their logits; no probability is ever formed.

    1 / (p q) - 1 = e^-a + e^-b + e^-(a + b) for p and q with logits a and b.
    """
    return -torch.logaddexp(-first, functional.softplus(-first) - second)
