"""Adaptive probabilistic label clusters (Ye et al. 2020, section 3.3): rare labels share what decides on them.

Labels are ranked by how many training documents have them. The head cluster predicts the frequent ones, and for each
tail cluster whether a document has any of its labels; a tail predicts its labels among the documents that have one:

    p(label | x) = p(cluster | x) p(label | cluster, x)

Each tail reads the features through a bottleneck, by a factor narrower than that of the tail before.
Shapes: `B` batch, `L` labels, `H` of them in the head, `K` tails, `F` features.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmlcore.batching import TrueLabels
from xmlcore.losses import binary_cross_entropy
from xmlcore.models import shallow_copy


class LabelClusters(nn.Module):
    """Logits of `labels` from `features`; `shares` of the labels are where the tails begin.

    Where there are few labels, a tail that would be empty is left out, and the head has one label at least.
    """

    def __init__(self, features: int, labels: int, shares: Sequence[float], factor: float) -> None:
        super().__init__()
        starts = sorted({max(1, round(share * labels)) for share in shares} - {labels})
        self.sizes = [end - start for start, end in zip([0, *starts], [*starts, labels], strict=True)]
        widths = [max(1, int(features / factor**k)) for k in range(1, len(self.sizes))]
        self.register_buffer("rank", torch.arange(labels))  # the place of each label among all
        self.head = nn.Linear(features, self.sizes[0] + len(widths))
        self.narrowing = nn.ModuleList(nn.Linear(features, width, bias=False) for width in widths)
        self.tails = nn.ModuleList(nn.Linear(width, size) for width, size in zip(widths, self.sizes[1:], strict=True))

    def arrange(self, frequencies: Tensor) -> None:
        """Rank the labels by falling `frequencies` (L,), then by id."""
        self.rank[frequencies.argsort(descending=True, stable=True)] = torch.arange(len(self.rank))

    def forward(self, features: Tensor) -> Tensor:
        """Logits (B, L) of the products of probabilities, from `features` (B, F)."""
        head, indicators = self.head(features).tensor_split([self.sizes[0]], dim=1)
        conditional = (tail(narrow(features)) for narrow, tail in zip(self.narrowing, self.tails, strict=True))
        of_clusters = indicators.unsqueeze(-1).unbind(1)
        tails = (logit_of_product(*pair) for pair in zip(of_clusters, conditional, strict=True))
        return torch.cat([head, *tails], dim=1)[:, self.rank]

    def loss(self, features: Tensor, labels: TrueLabels) -> Tensor:
        """The negative log-likelihood of the factors, summed: the head's, and of each tail in its documents.

        The indicator of a cluster weighs as much as the label of the document in it that weighs most.
        """
        cluster, column = self._places(labels.ids.clamp(min=0))
        in_head = torch.where(cluster == 0, column, self.sizes[0] + cluster - 1)
        logits = self.head(features)
        loss = binary_cross_entropy(logits, labels.targets(in_head, logits.shape[1]))
        for k, (narrow, tail) in enumerate(zip(self.narrowing, self.tails, strict=True), start=1):
            inside = (cluster == k) & (labels.ids >= 0)
            documents = inside.any(1).nonzero()[:, 0]
            own = TrueLabels(labels.ids.masked_fill(~inside, -1), labels.weights).of(documents)
            logits = tail(narrow(features[documents]))
            loss = loss + binary_cross_entropy(logits, own.targets(column[documents], self.sizes[k]))
        return loss

    def narrow(self, labels: Tensor) -> "LabelClusters":
        """These clusters for `labels` (K,) alone; tails that have none of them are left out."""
        cluster, column = self._places(labels)
        chosen = [column[cluster == k] for k in range(len(self.sizes))]
        kept = [k for k in range(1, len(self.sizes)) if len(chosen[k])]
        narrowed = shallow_copy(self)
        narrowed._buffers = {"rank": cluster.argsort(stable=True).argsort()}
        narrowed.sizes = [len(chosen[0]), *(len(chosen[k]) for k in kept)]
        indicators = torch.tensor([self.sizes[0] + k - 1 for k in kept], dtype=torch.long)
        narrowed.head = linear_rows(self.head, torch.cat([chosen[0], indicators]))
        narrowed.narrowing = nn.ModuleList(self.narrowing[k - 1] for k in kept)
        narrowed.tails = nn.ModuleList(linear_rows(self.tails[k - 1], chosen[k]) for k in kept)
        return narrowed

    def initialise(self, prior: Tensor) -> None:
        """Let the biases alone give every label its logit `prior` (L,).

        A cluster's indicator has twice the odds of a document with any of its labels, were these independent: then
        there is a conditional probability below 1 with which each label has exactly its prior.
        """
        ranked = torch.empty_like(prior, dtype=torch.float64).index_copy_(0, self.rank, prior.double())
        head, *tails = ranked.split(self.sizes)
        rate = torch.stack([functional.softplus(tail).sum() for tail in tails]) if tails else ranked[:0]
        indicators = math.log(2) + rate + torch.log(-torch.expm1(-rate))  # log(2 (e^rate - 1)) without overflow
        with torch.no_grad():
            self.head.bias.copy_(torch.cat([head, indicators]))
            for linear, tail, indicator in zip(self.tails, tails, indicators, strict=True):
                linear.bias.copy_(functional.softplus(-indicator) - torch.log(torch.exp(-tail) - torch.exp(-indicator)))

    def _places(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The cluster of each of `labels`, 0 for the head, and its column there."""
        rank = self.rank[labels]
        starts = torch.tensor([0, *self.sizes]).cumsum(0)
        cluster = torch.bucketize(rank, starts[1:-1], right=True)
        return cluster, rank - starts[cluster]


def logit_of_product(first: Tensor, second: Tensor) -> Tensor:
    """The logit of the product of two probabilities, given by their logits; no probability is ever formed.

    1 / (p q) - 1 = e^-a + e^-b + e^-(a + b) for p and q with logits a and b.
    """
    return -torch.logaddexp(-first, functional.softplus(-first) - second)


def linear_rows(linear: nn.Linear, rows: Tensor) -> nn.Linear:
    """`linear` with the outputs `rows` alone, apart from its gradients."""
    narrowed = nn.Linear(linear.in_features, len(rows), device="meta")
    narrowed.weight = nn.Parameter(linear.weight.detach()[rows])
    narrowed.bias = nn.Parameter(linear.bias.detach()[rows])
    return narrowed
