"""Convolution and dynamic max pooling of documents with their padding: more sums than `windows`, and none to wait for.

What `windows` saves, it looks up: sizes of results that a GPU would have to tell the CPU before work can go on. Shapes
as there.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def padded_maxima(embeddings: Tensor, mask: Tensor, kernel: Tensor, sizes: Sequence[int], chunks: int) -> Tensor:
    """Return the maxima (B, W, P, F) of `embeddings` (B, T, D), of which those in `mask` (B, T) are real.

    `kernel` is (D, H, F); chunks are those of `windows.Windows`.
    """
    length = embeddings.shape[1]
    signal = functional.pad(embeddings * mask.unsqueeze(-1), (0, 0, 0, max(sizes) - 1)).transpose(1, 2)
    bounds = mask.sum(1, keepdim=True) * torch.arange(chunks + 1, device=mask.device) // chunks
    places = torch.arange(length, device=mask.device)
    outside = ((places < bounds[:, :-1, None]) | (places >= bounds[:, 1:, None]))[:, :, None]  # (B, P, 1, T)
    empty = (bounds.diff(dim=1) == 0)[:, None, :, None]
    maxima = []
    for size, weights in zip(sizes, kernel.split(tuple(sizes), 1), strict=True):
        maps = functional.conv1d(signal[:, :, : length + size - 1], weights.permute(2, 0, 1))  # (B, F, T)
        maxima.append(maps[:, None].masked_fill(outside, -torch.inf).max(3).values)
    return torch.stack(maxima, 1).masked_fill(empty, 0).to(embeddings.dtype)
