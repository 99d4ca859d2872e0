"""XML-CNN (Liu et al. 2017; Sapkal and Savalia 2025, eqs. 1 to 4), computed without convolving padding.

A convolution is linear before the pooling, so a window is a sum of projections of single tokens. Each row is projected
once, (R, D) x (D, H * F); windows are gathered and summed; steps along one direction share both sums. Because only the
winning windows of the max pooling carry gradient, the backward pass is a product with a sparse matrix (`windows`).
`tests/models/reference.py` has the plain convolution this agrees with.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from xmlcore.config.architectures import XMLCNNNetwork
from xmlcore.models.bounds import Box, TwoLayerBounds
from xmlcore.models.table import LinearOutputClassifier
from xmlcore.models.token_rows import SubstitutedRows, TokenRows
from xmlcore.models.xml_cnn.bounds import bounded_maxima, ways_of_maxima
from xmlcore.models.xml_cnn.padded_windows import padded_maxima
from xmlcore.models.xml_cnn.substituted_windows import SubstitutedMax
from xmlcore.models.xml_cnn.windows import ConvolvedMax, Windows, project, rounded


class XMLCNN(LinearOutputClassifier):
    """A multi-filter convolution, dynamic max pooling for each feature map, a bottleneck and one logit a label."""

    def __init__(self, vectors: Tensor, labels: int, network: XMLCNNNetwork) -> None:
        super().__init__(vectors, labels)
        self.windows = tuple(network.windows)
        self.chunks = network.chunks
        self.filters = network.filters
        width = vectors.shape[1]
        self.kernel = nn.Parameter(torch.empty(width, sum(self.windows), self.filters))
        self.bias = nn.Parameter(torch.zeros(len(self.windows), 1, self.filters))
        self.bottleneck = nn.Linear(len(self.windows) * self.chunks * self.filters, network.hidden)
        self.output = nn.Linear(network.hidden, labels)
        self.embedding_dropout = nn.Dropout(network.embedding_dropout)
        self.dropout = nn.Dropout(network.dropout)
        self._initialise(network.initialisation)

    def _initialise(self, initialisation: str) -> None:
        """Draw the initial weights of the convolution and, but with `torch`, of the layers above.

        `torch` is the default of `nn.Conv2d` and `nn.Linear`; `kaiming` keeps the signal's scale (He et al. 2015), and
        so does `averaging`, whose kernel begins with one vector at every offset of its window: it asks what the window
        is about and not yet in which order, as a linear classifier does, and learns the order from there.
        """
        for window, kernel in zip(self.windows, self.kernel.data.split(self.windows, dim=1), strict=True):
            width = kernel.shape[0]
            if initialisation == "averaging":
                kernel.copy_(torch.randn(width, 1, self.filters) * math.sqrt(2 / (window * width)))
            elif initialisation == "kaiming":
                kernel.normal_(0, math.sqrt(2 / (window * width)))
            else:
                bound = 1 / math.sqrt(window * width)
                kernel.uniform_(-bound, bound)
        if initialisation != "torch":
            nn.init.kaiming_normal_(self.bottleneck.weight, nonlinearity="relu")
            nn.init.zeros_(self.bottleneck.bias)
        if initialisation == "kaiming":
            nn.init.kaiming_normal_(self.output.weight)

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        return self.score_rows(TokenRows.one_each(embeddings, mask))

    def score_rows(self, batch: TokenRows, probe: Tensor | None = None) -> Tensor:
        if self.training and self.embedding_dropout.p:
            dropped = self.embedding_dropout(batch.embeddings(probe))
            batch, probe = TokenRows.one_each(dropped, batch.mask), None
        return self._head(self._maxima(batch, probe))

    def _maxima(self, batch: TokenRows, probe: Tensor | None) -> Tensor:
        """Return the pooled maxima (B, W, P, F) of a batch, on a CPU without sums over padding."""
        shape = self.windows, self.chunks
        if batch.rows.device.type == "cpu":
            return ConvolvedMax.apply(batch.rows, self.kernel, probe, batch.row_of, *shape)
        return padded_maxima(batch.embeddings(probe), batch.mask, self.kernel, *shape)

    def score_steps(self, batch: TokenRows, direction: Tensor, steps: Sequence[float]) -> list[Tensor]:
        windows = Windows(batch.mask.sum(1), self.windows, self.chunks)
        start, along = (
            windows.sums(project(each.rows, self.kernel), each.row_of)
            for each in (batch, TokenRows.one_each(direction, batch.mask))
        )
        sums = list(zip(start, along, strict=True))
        return [self._head(windows.stack([(at + step * by).amax(2) for at, by in sums])) for step in steps]

    def precompute(self, rows: Tensor) -> Tensor:
        return project(rounded(rows), rounded(self.kernel)).flatten(1)

    def score_substitutions(self, document: TokenRows, positions: Tensor, substitutes: Tensor) -> Tensor:
        projected = document._replace(rows=document.rows.unflatten(1, self.kernel.shape[1:]))
        maxima = SubstitutedMax(projected, self.windows, self.chunks).maxima(positions, substitutes)
        return torch.cat([self._head(pooled.to(self.kernel.dtype)) for pooled in maxima])

    def bounds(self, batch: SubstitutedRows, radius: float = 1.0, share: float = 1.0) -> TwoLayerBounds:
        shape = self.windows, self.chunks, radius
        pooled = bounded_maxima(batch, self.kernel, *shape)
        ways = ways_of_maxima(batch, self.kernel, self.bias, *shape, share) if share < 1 else None
        inputs = Box(*((each + self.bias).flatten(1) for each in pooled)).relu()
        units = inputs.through(self.bottleneck)
        features = units.relu().scaled(self.dropout(torch.ones_like(units.own)))
        return TwoLayerBounds(inputs, self.bottleneck, units, features, self.output, ways)

    def _head(self, pooled: Tensor) -> Tensor:
        """Return the logits (B, L) of pooled maxima (B, W, P, F)."""
        features = torch.relu(pooled + self.bias).flatten(1)
        return self.output(self.dropout(torch.relu(self.bottleneck(features))))
