"""XML-CNN (Liu et al. 2017; equations 1 to 4 of seed 000), computed without convolving padding.

Shapes: `B` batch, `T` tokens, `D` embedding width, `F` filters a window size, `W` window sizes, `P` pooled chunks,
`L` labels, `R` projected rows, `H` the sum of the window sizes.

A convolution is linear before the pooling, so a window is a sum of projections of single tokens. Each distinct row is
projected once, (R, D) x (D, H * F); windows are gathered and summed; and because only the winning windows of the max
pooling carry gradient, the backward pass touches B * W * P * F windows and no more.
`tests/models/reference.py` has the plain convolution this agrees with.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmlcore.models import Classifier
from xmlcore.params import Network
from xmlcore.text import PAD


class XMLCNN(Classifier):
    """A multi-filter convolution, dynamic max pooling for each feature map, a bottleneck and one logit a label."""

    def __init__(self, vectors: Tensor, labels: int, network: Network) -> None:
        """`vectors` (V, D) are the initial embeddings; row `PAD` is held at zero."""
        super().__init__()
        self.labels = labels
        self.windows = tuple(network.windows)
        self.chunks = network.chunks
        self.filters = network.filters
        width = vectors.shape[1]
        self.embedding = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=PAD)
        self.kernel = nn.Parameter(torch.empty(width, sum(self.windows), self.filters))
        self.bias = nn.Parameter(torch.zeros(len(self.windows), 1, self.filters))
        self.bottleneck = nn.Linear(len(self.windows) * self.chunks * self.filters, network.hidden)
        self.output = nn.Linear(network.hidden, labels)
        self.dropout = nn.Dropout(network.dropout)
        self._initialise(network.initialisation)

    def _initialise(self, initialisation: str) -> None:
        """`torch` is the default of `nn.Conv2d` and `nn.Linear`; `averaging` keeps the signal's scale (He et al. 2015).

        An averaging kernel begins with one vector at every offset of its window: it asks what the window is about and
        not yet in which order, as a linear classifier does, and learns the order from there.
        """
        for window, kernel in zip(self.windows, self.kernel.data.split(self.windows, dim=1), strict=True):
            width = kernel.shape[0]
            if initialisation == "averaging":
                kernel.copy_(torch.randn(width, 1, self.filters) * math.sqrt(2 / (window * width)))
            else:
                bound = 1 / math.sqrt(window * width)
                kernel.uniform_(-bound, bound)
        if initialisation == "averaging":
            nn.init.kaiming_normal_(self.bottleneck.weight, nonlinearity="relu")
            nn.init.zeros_(self.bottleneck.bias)

    @property
    def embedding_table(self) -> Tensor:
        return self.embedding.weight

    def initialise_output(self, prior: Tensor) -> None:
        with torch.no_grad():
            self.output.bias.copy_(prior)

    def embed(self, tokens: Tensor) -> Tensor:
        return self.embedding(tokens)

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Each real position is a row of its own: what an attack that moves single positions needs."""
        rows = torch.cat([embeddings.new_zeros(1, embeddings.shape[2]), embeddings[mask]])
        index = mask.flatten().cumsum(0).view_as(mask) * mask
        return self._logits(rows, index, mask.sum(1))

    def forward(self, tokens: Tensor) -> Tensor:
        """`score(embed(tokens), tokens != PAD)`, with one row for each distinct token of the batch."""
        distinct, index = torch.cat([tokens.new_tensor([PAD]), tokens.flatten()]).unique(return_inverse=True)
        return self._logits(self.embedding(distinct), index[1:].view_as(tokens), (tokens != PAD).sum(1))

    def _logits(self, rows: Tensor, index: Tensor, lengths: Tensor) -> Tensor:
        """`rows` (R, D), of which row 0 is the zero of the padding; `index` (B, T) into them; `lengths` (B,)."""
        projection = (rows @ self.kernel.flatten(1)).view(len(rows), -1, self.filters)
        pooled = WindowMax.apply(projection, index, lengths, self.windows, self.chunks)
        features = torch.relu(pooled + self.bias).flatten(1)
        return self.output(self.dropout(torch.relu(self.bottleneck(features))))


class WindowMax(torch.autograd.Function):
    """Window sums and dynamic max pooling (equations 1 and 2): projections (R, H, F) to maxima (B, W, P, F).

    A document of m tokens has m windows of each size; the last ones run into zeros. Chunk k of p covers the windows
    that begin at floor(k m / p) up to floor((k + 1) m / p) - 1; a chunk without a window gives 0. Of equal maxima the
    first takes the gradient.
    """

    @staticmethod
    def forward(
        ctx, projection: Tensor, index: Tensor, lengths: Tensor, windows: tuple[int, ...], chunks: int
    ) -> Tensor:
        rows, height, filters = projection.shape
        batch = len(index)
        bounds = lengths[:, None] * torch.arange(chunks + 1, device=index.device) // chunks
        sizes = bounds.diff(dim=1)  # (B, P)
        slots = torch.arange(max(int(sizes.max()), 1), device=index.device)
        # Slots beyond a chunk's end repeat its last window, which leaves the maximum and its first position alone.
        starts = bounds[:, :-1, None] + torch.minimum(slots, (sizes - 1).clamp(min=0)[:, :, None])
        documents = torch.arange(batch, device=index.device)[:, None, None]
        index = functional.pad(index, (0, max(windows)))
        flat = projection.reshape(rows * height, filters)
        maxima, winners, first = [], [], 0
        for window in windows:
            members = torch.stack([index[documents, starts + j] * height + first + j for j in range(window)], -1)
            sums = functional.embedding_bag(members.view(-1, window), flat, mode="sum")
            maximum, winner = sums.view(batch, chunks, len(slots), filters).max(2)
            maxima.append(maximum)
            winners.append(members.gather(2, winner[..., None].expand(-1, -1, -1, window)))
            first += window
        ctx.winners, ctx.shape = winners, projection.shape
        ctx.occupied = (sizes > 0)[:, None, :, None]
        return torch.stack(maxima, 1) * ctx.occupied

    @staticmethod
    def backward(ctx, gradient: Tensor):
        rows, height, filters = ctx.shape
        gradient = gradient * ctx.occupied
        columns = torch.arange(filters, device=gradient.device)[:, None]
        out = gradient.new_zeros(rows * height * filters)
        for window, members in enumerate(ctx.winners):  # members (B, P, F, window)
            values = gradient[:, window, :, :, None].expand_as(members)
            out.scatter_add_(0, (members * filters + columns).flatten(), values.flatten())
        return out.view(ctx.shape), None, None, None, None
