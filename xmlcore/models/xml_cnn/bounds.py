"""Convolution and dynamic max pooling of documents in which every token may become any of its substitutes.

A window is a sum of projections of its tokens (`windows`), and they are substituted independently. So the least and the
most that a window can be are the sums of the least and of the most of each of its tokens, exactly, and the maximum over
a chunk lies between the maxima of these (Huang et al. 2019). Shapes as in `windows`; `N` sets of `K` rows.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from xmlcore.models.bounds import Box
from xmlcore.models.token_rows import SubstitutedRows
from xmlcore.models.xml_cnn.windows import Windows, add_up, project, rounded


def bounded_maxima(batch: SubstitutedRows, kernel: Tensor, sizes: Sequence[int], chunks: int, radius: float) -> Box:
    """Return the maxima (B, W, P, F) of the documents of `batch` under `kernel` (D, H, F), and their bounds.

    Each substitute is moved to `radius` of its way from the token that it stands for.
    """
    return Box(*_BoundedMax.apply(batch.rows, kernel, batch.row_of, batch.sets, sizes, chunks, radius))


class _BoundedMax(torch.autograd.Function):
    """Three maxima (B, W, P, F): of the tokens themselves, and of the least and the most of their substitutes.

    As in `windows.ConvolvedMax` the gradient of a maximum goes to the first of its windows, and there to the substitute
    of each token that makes the bound.
    """

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        kernel: Tensor,
        row_of: Tensor,
        sets: Tensor,
        sizes: Sequence[int],
        chunks: int,
        radius: float,
    ) -> tuple[Tensor, ...]:
        windows = Windows((row_of != 0).sum(1), sizes, chunks)
        dtype = rows.dtype
        rows, kernel = rounded(rows), rounded(kernel)
        projection = project(rows, kernel)
        own = projection[: len(sets)]
        low, high = _extremes(projection, sets)
        tables = own, *(torch.lerp(own, each, radius) if radius < 1 else each for each in (low, high))
        pooled = [[each.max(2) for each in windows.sums(table, row_of)] for table in tables]
        ctx.save_for_backward(rows, kernel, row_of, sets, projection)
        ctx.windows, ctx.radius, ctx.dtype = windows, radius, dtype
        ctx.winners = [[maximum.indices for maximum in maxima] for maxima in pooled]
        return tuple(windows.stack([maximum.values for maximum in maxima]).to(dtype) for maxima in pooled)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, kernel, row_of, sets, projection = ctx.saved_tensors
        windows, radius = ctx.windows, ctx.radius
        padded = windows.pad(row_of)
        documents = torch.arange(len(padded), device=padded.device)[:, None]
        members, weights = [], []  # (H, F, B, P) each
        for winners, gradient, sign in zip(ctx.winners, gradients, (0, -1, 1), strict=True):
            own = padded[documents, windows.positions(winners)]
            weight = windows.spread(gradient).to(rows.dtype)
            if sign:
                members.append(_extreme_rows(projection, sets, own, sign))
                weights.append(radius * weight)
            if not sign or radius < 1:
                members.append(own)
                weights.append((1 - radius) * weight if sign else weight)
        wanted = ctx.needs_input_grad[0], ctx.needs_input_grad[1]
        found = add_up(torch.cat(members, 2), torch.cat(weights, 2), rows, kernel, wanted)
        to_rows, to_kernel = (each if each is None else each.to(ctx.dtype) for each in found)
        return to_rows, to_kernel, None, None, None, None, None


def _extremes(projection: Tensor, sets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the least and the most (N, H, F) that rows of each set have in `projection` (R, H, F)."""
    low, high = projection[: len(sets)].clone(), projection[: len(sets)].clone()
    for column in sets.t()[1:]:
        larger = (column != sets[:, 0]).nonzero()[:, 0]  # sets that have so many rows
        other = projection[column[larger]]
        low[larger] = torch.minimum(low[larger], other)
        high[larger] = torch.maximum(high[larger], other)
    return low, high


def _extreme_rows(projection: Tensor, sets: Tensor, own: Tensor, sign: int) -> Tensor:
    """Return the rows of the sets of `own` (H, F, B, P) that at (h, f) are the most, or the least for `sign` -1."""
    height, filters = own.shape[:2]
    cells = torch.arange(height * filters, device=own.device).view(height, filters, 1, 1)
    flat = projection.view(-1)

    def at(row: Tensor) -> Tensor:
        return sign * flat[row * (height * filters) + cells]

    best, most = own, at(own)
    for column in sets.t()[1:]:
        row = column[own]
        value = at(row)
        best, most = torch.where(value > most, row, best), torch.maximum(value, most)
    return best
