"""The body of XLNet (Yang et al. 2019) for fine-tuning: from embeddings to the state of the last position.

Content stream only, one segment and a last position of its own segment. Weights have the names and shapes of
`transformers`, whose `XLNetModel` this agrees with (`tests/models/test_xlnet.py`) at less work: the encodings of
relative positions are projected once for a batch, and the last layer is computed where it is read.
Shapes: `B` batch, `T` positions, `Q` of them that attend (the last ones), `D` width, `N` heads, `H` = `D` / `N`.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmlcore.networks import XLNetShape

DEVIATION = 0.02  # of random weights, as published
ACTIVATIONS = {"gelu": functional.gelu, "relu": functional.relu}


class XLNet(nn.Module):
    def __init__(self, shape: XLNetShape, dropout: float) -> None:
        super().__init__()
        self.width = shape.width
        self.layer = nn.ModuleList(_Layer(shape, dropout) for _ in range(shape.layers))
        self.dropout = nn.Dropout(dropout)

    def forward(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """The state (B, D) of the last position; `mask` (B, T) is false at the padding, which comes first."""
        positions = embeddings.shape[1]
        states = self.dropout(embeddings)
        encodings = self.dropout(_encodings(positions, self.width).to(states))
        for layer in self.layer[:-1]:
            states = layer(states, encodings, mask, positions)
        return self.dropout(self.layer[-1](states, encodings[: positions + 1], mask, 1))[:, 0]


class _Layer(nn.Module):
    def __init__(self, shape: XLNetShape, dropout: float) -> None:
        super().__init__()
        self.rel_attn = _RelativeAttention(shape, dropout)
        self.ff = _FeedForward(shape, dropout)

    def forward(self, states: Tensor, encodings: Tensor, mask: Tensor, asking: int) -> Tensor:
        return self.ff(self.rel_attn(states, encodings, mask, asking))


class _RelativeAttention(nn.Module):
    """Self-attention by content, by relative position (Dai et al. 2019) and by segment."""

    def __init__(self, shape: XLNetShape, dropout: float) -> None:
        super().__init__()
        heads = shape.heads, shape.width // shape.heads
        self.q, self.k, self.v, self.o, self.r = (_random(shape.width, *heads) for _ in range(5))
        self.r_w_bias, self.r_r_bias, self.r_s_bias = (_random(*heads) for _ in range(3))
        self.seg_embed = _random(2, *heads)
        self.layer_norm = nn.LayerNorm(shape.width, shape.norm_epsilon)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, encodings: Tensor, mask: Tensor, asking: int) -> Tensor:
        """(B, Q, D) of the last `asking` = Q of `states` (B, T, D); `encodings` (T + Q, D)."""
        residual = states[:, -asking:]
        scale = 1 / math.sqrt(self.q.shape[2])
        query = scale * _heads(residual, self.q)
        by_content = (query + scale * self.r_w_bias[:, None]) @ _heads(states, self.k).mT
        by_position = _shift((query + scale * self.r_r_bias[:, None]) @ _heads(encodings, self.r).mT)
        across = torch.einsum("bnqh,nh->bnq", query + scale * self.r_s_bias[:, None], self.seg_embed.diff(dim=0)[0])
        by_segment = across.unsqueeze(-1) * _other_segment(states.shape[1], asking).to(states)
        score = (by_content + by_position + by_segment).masked_fill(~mask[:, None, None], -math.inf)
        attended = self.dropout(score.softmax(-1)) @ _heads(states, self.v)
        output = attended.transpose(1, 2).flatten(2) @ self.o.flatten(1).T
        return self.layer_norm(self.dropout(output) + residual)


class _FeedForward(nn.Module):
    def __init__(self, shape: XLNetShape, dropout: float) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(shape.width, shape.norm_epsilon)
        self.layer_1 = nn.Linear(shape.width, shape.inner)
        self.layer_2 = nn.Linear(shape.inner, shape.width)
        for linear in (self.layer_1, self.layer_2):
            nn.init.normal_(linear.weight, std=DEVIATION)
            nn.init.zeros_(linear.bias)
        self.activation = ACTIVATIONS[shape.activation]
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor) -> Tensor:
        inner = self.dropout(self.activation(self.layer_1(states)))
        return self.layer_norm(self.dropout(self.layer_2(inner)) + states)


def _random(*shape: int) -> nn.Parameter:
    return nn.Parameter(DEVIATION * torch.randn(shape))


def _heads(states: Tensor, weights: Tensor) -> Tensor:
    """(..., N, T, H) projections of `states` (..., T, D) by `weights` (D, N, H)."""
    return (states @ weights.flatten(1)).unflatten(-1, weights.shape[1:]).transpose(-3, -2)


def _encodings(positions: int, width: int) -> Tensor:
    """(2T, D) sinusoids of the distances T, T - 1, ..., 1 - T."""
    distances = torch.arange(positions, -positions, -1.0)
    angles = distances[:, None] / 10000 ** (torch.arange(0, width, 2.0) / width)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def _shift(scores: Tensor) -> Tensor:
    """(B, N, Q, T) by position from (B, N, Q, T + Q) by distance, T first: row a is read from place Q - a on."""
    asking, distances = scores.shape[2:]
    rows = scores.flatten(2)[..., asking:].unflatten(2, (asking, distances - 1))
    return rows[..., : distances - asking]


def _other_segment(positions: int, asking: int) -> Tensor:
    """(Q, T) whether the two positions are in different segments: the last one has its own."""
    last = torch.arange(positions) == positions - 1
    return last[-asking:, None] != last
