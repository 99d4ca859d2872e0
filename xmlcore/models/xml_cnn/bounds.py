"""Convolution and dynamic max pooling of documents in which every token may become any of its substitutes.

A window is a sum of projections of its tokens (`windows`), and they are substituted independently. So the least and the
most that a window can be are the sums of the least and of the most of each of its tokens, exactly, and the maximum over
a chunk lies between the maxima of these (Huang et al. 2019). Shapes as in `windows`; `N` sets of `K` rows.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from xmlcore.models.bounds import Box, Ways
from xmlcore.models.token_rows import SubstitutedRows
from xmlcore.models.xml_cnn.windows import Windows, add_up, project, rounded


def ways_of_maxima(
    batch: SubstitutedRows, kernel: Tensor, bias: Tensor, sizes: Sequence[int], chunks: int, radius: float, share: float
) -> Ways:
    """Return how far each position can move the inputs relu(maximum + bias), (B, T, W * P * F), of the next layer.

    A window w that must rise by g to pass the input as it is, and can rise by d, the sum of what its tokens can, takes
    the input no higher than the part (d - g) / d of what its substituted tokens can: the excess over g is convex, and
    below its chord. The input falls no further than its own window does.
    """
    windows = Windows((batch.row_of != 0).sum(1), sizes, chunks)
    projection = project(rounded(batch.rows), rounded(kernel))
    own = projection[: len(batch.sets)]
    low, high = (torch.lerp(own, each, radius) for each in _extremes(projection, batch.sets))
    below, above = (own - low).split(tuple(sizes), 1), (high - own).split(tuple(sizes), 1)
    sums = map(Box, *(windows.sums(table, batch.row_of) for table in (own, low, high)))
    found = map(partial(_ways_of_size, windows, batch.row_of), sums, below, above, bias)
    down, up = (torch.stack(each, 2).flatten(2) for each in zip(*found, strict=True))
    return Ways(down, up, batch.substituted(share))


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


def _ways_of_size(
    windows: Windows, row_of: Tensor, sums: Box, below: Tensor, above: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the ways down and up, (B, T, P, F) each, of the inputs of one size, of windows of `sums` (B, P, C, F).

    `below` and `above` (N, w, F) are how far down and up the sets of rows go at each offset in a window.
    """
    own, winner = sums.own.max(2, keepdim=True)
    present = own.maximum(-bias)
    part = (sums.high - present).clamp(min=0) / (sums.high - sums.own).clamp(min=torch.finfo(own.dtype).tiny)
    room = (present - sums.low.amax(2, keepdim=True).maximum(-bias)).clamp(min=0)
    padded = windows.pad(row_of)
    documents = torch.arange(len(padded), device=padded.device)[:, None, None]
    filters = torch.arange(own.shape[3], device=padded.device)
    down = up = own.new_zeros(*own.shape[:2], padded.shape[1], own.shape[3])
    for offset, (lower, higher) in enumerate(zip(below.unbind(1), above.unbind(1), strict=True)):
        positions = windows.starts + offset  # (B, P, C)
        rise = higher[padded[documents, positions]] * part
        up = up.scatter_reduce(2, positions[..., None].expand_as(rise), rise, "amax")
        positions = windows.starts[..., None].expand_as(sums.own).gather(2, winner) + offset  # (B, P, 1, F)
        fall = lower[padded[documents[..., None], positions], filters].minimum(room)
        down = down.scatter(2, positions, fall)
    down, up = (each * windows.occupied[:, :, None, None] for each in (down, up))
    length = row_of.shape[1]
    return down[:, :, :length].transpose(1, 2), up[:, :, :length].transpose(1, 2)


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
