"""Convolution and dynamic max pooling of many copies of one document, each of which differs from it in one token.

Only the windows that contain the token change, at most as many of a size as the size itself, and these are summed anew,
in the order of `windows`. The maxima over the other windows are those of the document: block by block, and window by
window in the few blocks that the changed ones reach into. Shapes as in `windows`; `S` copies, `K` blocks of a chunk.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from xmlcore.models.token_rows import TokenRows
from xmlcore.models.xml_cnn.windows import Windows, window_sums

NUMBERS_AT_ONCE = 2**21  # of windows of copies, to bound memory; temporaries take about twice as much
BLOCK = 8  # windows


class SubstitutedMax:
    """A document with what its copies share: its windows in every chunk."""

    def __init__(self, document: TokenRows, sizes: Sequence[int], chunks: int) -> None:
        """Compute what the copies of `document` share, which has projections (R, H, F) as rows and `row_of` (T,)."""
        self._projection, index = document
        self._windows = Windows(torch.tensor([len(index)], device=index.device), sizes, chunks)
        self._document = self._windows.pad(index)
        self._maxima = [_RunningMaxima(sums[0]) for sums in self._windows.sums(self._projection, index[None])]
        self._offsets = torch.arange(sum(sizes), device=index.device).split(tuple(sizes))
        height, filters = self._projection.shape[1:]
        self._at_once = max(1, NUMBERS_AT_ONCE // ((height + len(sizes) * chunks) * filters))

    def maxima(self, positions: Tensor, substitutes: Tensor) -> Iterator[Tensor]:
        """Yield the maxima (S, W, P, F) of the copies with row `substitutes[s]` at `positions[s]`, some at a time."""
        places, place_of = positions.unique(return_inverse=True)
        others = [self._of_other_windows(size, places) for size in range(len(self._offsets))]  # (n, P, F) each
        for some in zip(*(each.split(self._at_once) for each in (positions, substitutes, place_of)), strict=True):
            yield self._windows.stack([self._of_size(size, *some, each) for size, each in enumerate(others)])

    def _of_size(self, number: int, positions: Tensor, substitutes: Tensor, place_of: Tensor, others: Tensor) -> Tensor:
        """Return the maxima (S, P, F) of the windows of one size, given those of the `others` at each place."""
        maxima = others[place_of]
        offsets, size = self._offsets[number], len(self._offsets[number])
        firsts, lasts = self._windows.firsts[0], self._windows.lasts[0]
        copies, chunks = self._changed(positions, size).nonzero(as_tuple=True)  # (N,) both
        position, first, last = positions[copies], firsts[chunks], lasts[chunks]

        # A window may come twice, or not contain the position; as it is one of the chunk, the maximum is the same.
        start = torch.maximum(position - size + 1, first)
        slots = torch.arange(min(size, self._maxima[number].slots), device=start.device)
        members = torch.minimum(start[:, None] + slots, last[:, None])[:, :, None] + (offsets - offsets[0])
        new = substitutes[copies, None, None]
        members = torch.where(members == position[:, None, None], new, self._document[members])
        anew = window_sums(self._projection, members, offsets).amax(1)  # (N, F)
        maxima[copies, chunks] = torch.maximum(anew, maxima[copies, chunks])
        return maxima

    def _of_other_windows(self, number: int, positions: Tensor) -> Tensor:
        """Return the maxima (S, P, F) of the windows of one size that do not contain the token at each position."""
        size, running = len(self._offsets[number]), self._maxima[number]
        firsts, lasts = self._windows.firsts[0], self._windows.lasts[0]
        of, chunks = self._changed(positions, size).nonzero(as_tuple=True)
        first, position = firsts[chunks], positions[of]
        start = (position - size + 1 - first).clamp(min=0)
        stop = torch.where(position < lasts[chunks], position - first + 1, running.slots)
        maxima = running.whole.repeat(len(positions), 1, 1)
        maxima[of, chunks] = running.without(chunks, start, stop, size)
        return maxima

    def _changed(self, positions: Tensor, size: int) -> Tensor:
        """Return (S, P) whether windows of a chunk contain the token at each position."""
        firsts, lasts = self._windows.firsts[0], self._windows.lasts[0]
        return (positions[:, None] >= firsts) & (positions[:, None] - size < lasts) & (firsts <= lasts)


class _RunningMaxima:
    """Maxima of the windows of one size, chunk by chunk, from which those of a few neighbours are left out."""

    def __init__(self, sums: Tensor) -> None:
        """Take the windows `sums` (P, C, F)."""
        self.slots = sums.shape[1]
        self._sums = functional.pad(sums, (0, 0, 0, -self.slots % BLOCK), value=-torch.inf)
        blocks = self._sums.unflatten(1, (-1, BLOCK)).amax(2)  # (P, K, F)
        self._before = functional.pad(blocks.cummax(1).values, (0, 0, 1, 0), value=-torch.inf)
        self._after = functional.pad(blocks.flip(1).cummax(1).values.flip(1), (0, 0, 0, 1), value=-torch.inf)

    @property
    def whole(self) -> Tensor:
        """The maxima (P, F) of all windows."""
        return self._after[:, 0]

    def without(self, chunks: Tensor, start: Tensor, stop: Tensor, most: int) -> Tensor:
        """Return the maxima (N, F) of the `chunks` (N,) but for the slots from `start` to before `stop`, (N,) each.

        They are `most` at most, or all that come after them, too.
        """
        reached = 2 + (most - 2) // BLOCK  # blocks, at most
        first = start // BLOCK
        near = first[:, None] * BLOCK + torch.arange(reached * BLOCK, device=start.device)
        near = near.clamp(max=self._sums.shape[1] - 1)
        left_out = (near >= start[:, None]) & (near < stop[:, None])
        values = self._sums[chunks[:, None], near].masked_fill(left_out.unsqueeze(-1), -torch.inf).amax(1)
        none = self._after.shape[1] - 1
        after = torch.where(stop < self.slots, (first + reached).clamp(max=none), none)
        return torch.maximum(values, torch.maximum(self._before[chunks, first], self._after[chunks, after]))
