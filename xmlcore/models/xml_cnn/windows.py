"""Convolution and dynamic max pooling of documents (Sapkal and Savalia 2025, eqs. 1 and 2) without padding.

Shapes: `B` batch, `T` tokens, `D` embedding width, `F` filters a window size, `W` window sizes, `H` their sum, `P`
pooled chunks, `C` windows of the longest chunk, `R` rows of embeddings.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from xmlcore.common.bfloat16 import may_round


class Windows:
    """Where the windows of a batch lie, chunk by chunk.

    A document of m tokens has m windows of each size; the last ones run into zeros. Chunk k of p covers the windows
    that begin at floor(k m / p) up to floor((k + 1) m / p) - 1; a chunk without a window gives 0.
    """

    def __init__(self, lengths: Tensor, sizes: Sequence[int], chunks: int) -> None:
        """Place the windows of `sizes` in documents of `lengths` (B,) tokens, cut into `chunks` chunks."""
        self._sizes = tuple(sizes)
        bounds = lengths[:, None] * torch.arange(chunks + 1, device=lengths.device) // chunks
        self.firsts, self.lasts = bounds[:, :-1], bounds[:, 1:] - 1  # (B, P), each chunk's windows
        counts = bounds.diff(dim=1)  # (B, P)
        slots = torch.arange(max(int(counts.max()), 1), device=lengths.device)
        # Slots beyond a chunk's end repeat its last window, which changes neither the maximum nor its first position.
        self.starts = bounds[:, :-1, None] + torch.minimum(slots, (counts - 1).clamp(min=0)[:, :, None])  # (B, P, C)
        self.occupied = counts > 0  # (B, P)

    def sums(self, projection: Tensor, index: Tensor) -> list[Tensor]:
        """Return for each size the window sums (B, P, C, F) of `projection` (R, H, F) at the rows `index` (B, T)."""
        documents = torch.arange(len(index), device=index.device)[:, None, None, None]
        padded = self.pad(index)
        sums = []
        for offsets in torch.arange(sum(self._sizes), device=index.device).split(self._sizes):
            places = self.starts[..., None] + (offsets - offsets[0])
            sums.append(window_sums(projection, padded[documents, places], offsets))
        return sums

    def pad(self, index: Tensor) -> Tensor:
        """Return `index` (B, T) as (B, T + the largest size), with the zeros that the last windows run into."""
        return functional.pad(index, (0, max(self._sizes)))

    def stack(self, maxima: Sequence[Tensor]) -> Tensor:
        """Return the maxima (B, P, F) of every size as one tensor (B, W, P, F), 0 at chunks without a window."""
        return torch.stack(tuple(maxima), 1) * self.occupied[:, None, :, None]

    def positions(self, winners: Sequence[Tensor]) -> Tensor:
        """Return the columns (H, F, B, P) of `pad(index)` that the winning slots (B, P, F) of each size read."""
        starts = [self.starts.gather(2, winner).permute(2, 0, 1) for winner in winners]
        return torch.stack([start + j for start, size in zip(starts, self._sizes, strict=True) for j in range(size)])

    def spread(self, gradient: Tensor) -> Tensor:
        """Return the `gradient` (B, W, P, F) of the maxima as (H, F, B, P), once for each token of a window."""
        gradient = (gradient * self.occupied[:, None, :, None]).permute(1, 3, 0, 2)
        return gradient.repeat_interleave(torch.tensor(self._sizes, device=gradient.device), 0)


def project(rows: Tensor, kernel: Tensor) -> Tensor:
    """Return the projection (R, H, F) of `rows` (R, D) by `kernel` (D, H, F): what each adds to a window, by offset."""
    return (rows @ kernel.flatten(1)).view(len(rows), *kernel.shape[1:])


def window_sums(projection: Tensor, members: Tensor, offsets: Tensor) -> Tensor:
    """Return the sums (..., F) of `projection` (R, H, F) over windows of rows `members` (..., w) at `offsets` (w,)."""
    _, height, filters = projection.shape
    bags = (members * height + offsets).view(-1, len(offsets))
    return functional.embedding_bag(bags, projection.flatten(0, 1), mode="sum").view(*members.shape[:-1], filters)


def rounded(factor: Tensor) -> Tensor:
    """Return `factor` in bfloat16 where that is allowed, else as it is."""
    return factor.bfloat16() if may_round(factor) else factor


class ConvolvedMax(torch.autograd.Function):
    """Maxima (B, W, P, F) of `rows` (R, D), placed by `index` (B, T) with 0 for padding, under `kernel` (D, H, F).

    The gradient of a maximum goes to its window, the first of equals. So the projection's gradient is sparse, with
    B * P * F * H entries, and both factors' gradients are products with a sparse matrix. `probe` (N, T, D) takes no
    part in the sums; its gradient is that of the embeddings of the first N documents, position by position.
    """

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, kernel: Tensor, probe: Tensor | None, index: Tensor, sizes: Sequence[int], chunks: int
    ) -> Tensor:
        windows = Windows((index != 0).sum(1), sizes, chunks)
        dtype = rows.dtype
        rows, kernel = rounded(rows), rounded(kernel)
        maxima, winners = zip(*(each.max(2) for each in windows.sums(project(rows, kernel), index)), strict=True)
        ctx.save_for_backward(rows, kernel, index, *winners)
        ctx.windows, ctx.dtype = windows, dtype
        ctx.probed = 0 if probe is None else len(probe)
        return windows.stack(maxima).to(ctx.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, kernel, index, *winners = ctx.saved_tensors
        width = kernel.shape[0]
        positions, weights = ctx.windows.positions(winners), ctx.windows.spread(gradient).to(rows.dtype)
        padded = ctx.windows.pad(index)
        batch, length = padded.shape
        places = positions + torch.arange(batch, device=index.device)[:, None] * length
        members = padded.flatten()[places]

        wanted = ctx.needs_input_grad[0], ctx.needs_input_grad[1]
        to_rows, to_kernel = add_up(members, weights, rows, kernel, wanted)
        to_probe = None
        if ctx.needs_input_grad[2]:
            first = slice(ctx.probed)
            columns = kernel.flatten(1).t().contiguous()
            summed = _grouped_sum(places[:, :, first], ctx.probed * length, columns, weights[:, :, first])
            to_probe = summed.view(ctx.probed, length, width)[:, : index.shape[1]]
        gradients = (each if each is None else each.to(ctx.dtype) for each in (to_rows, to_kernel, to_probe))
        return *gradients, None, None, None


def add_up(
    members: Tensor, weights: Tensor, rows: Tensor, kernel: Tensor, wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    """Return, where `wanted`, the gradients of `rows` (R, D) and of `kernel` (D, H, F) of `weights` x projections.

    `weights` (H, F, ...) are those of the entries (h, f) of the projections of the rows `members` (H, F, ...).
    """
    width, height, filters = kernel.shape
    to_rows = to_kernel = None
    if wanted[0]:
        to_rows = _grouped_sum(members, len(rows), kernel.flatten(1).t().contiguous(), weights)
    if wanted[1]:
        bags = members.reshape(height * filters, -1)
        to_columns = functional.embedding_bag(bags, rows, mode="sum", per_sample_weights=weights.reshape(bags.shape))
        to_kernel = to_columns.t().reshape(kernel.shape)
    return to_rows, to_kernel


def _grouped_sum(groups: Tensor, count: int, columns: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted sum (`count`, D) of `columns` (H * F, D) by group; `groups` and `weights` are (H, F, ...)."""
    groups = groups.reshape(-1)
    _, order = groups.int().sort(stable=True)
    offsets = functional.pad(groups.bincount(minlength=count).cumsum(0), (1, 0))
    column = order // (len(groups) // len(columns))
    return functional.embedding_bag(
        column,
        columns,
        offsets,
        mode="sum",
        per_sample_weights=weights.reshape(-1)[order],
        include_last_offset=True,
    )
