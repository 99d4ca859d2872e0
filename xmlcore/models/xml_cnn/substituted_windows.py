"""Convolution and dynamic max pooling of many copies of one document, each of which differs from it in one token.

Only the windows that contain the token change, at most as many of a size as the size itself, and these are summed anew,
in the order of `windows`. The maxima over the other windows are those of the document: block by block, and window by
window in the few blocks that the changed ones reach into. Shapes as in `windows`; `S` copies, `n` distinct positions,
`K` blocks of a chunk.
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
        windows = Windows(torch.tensor([len(index)], device=index.device), sizes, chunks)
        self._document, self._stack = windows.pad(index), windows.stack
        self._firsts, self._lasts = windows.firsts[0], windows.lasts[0]
        self._sizes = torch.tensor(tuple(sizes), device=index.device)
        self._offsets = torch.arange(sum(sizes), device=index.device).split(tuple(sizes))
        self._windows = _Neighbours(torch.cat(windows.sums(self._projection, index[None])), max(sizes))
        height, filters = self._projection.shape[1:]
        self._at_once = max(1, NUMBERS_AT_ONCE // ((height + len(sizes) * chunks) * filters))

    def maxima(self, positions: Tensor, substitutes: Tensor) -> Iterator[Tensor]:
        """Yield the maxima (S, W, P, F) of the copies with row `substitutes[s]` at `positions[s]`, some at a time."""
        places, place_of = positions.unique(return_inverse=True)
        changed = self._changed(places)
        unchanged = self._unchanged(places, changed)
        for some in zip(*(each.split(self._at_once) for each in (place_of, positions, substitutes)), strict=True):
            yield self._maxima(changed[some[0]], unchanged[some[0]], *some[1:])

    def _changed(self, positions: Tensor) -> Tensor:
        """Return (n, W, P) whether windows of a size and chunk contain the token at each of `positions` (n,)."""
        position, longest = positions[:, None, None], self._sizes[:, None]
        return (position >= self._firsts) & (position - longest < self._lasts) & (self._firsts <= self._lasts)

    def _unchanged(self, positions: Tensor, changed: Tensor) -> Tensor:
        """Return the maxima (n, W, P, F) of the windows that do not contain the token at each of `positions` (n,)."""
        of, size, chunk = changed.nonzero(as_tuple=True)
        position, first = positions[of], self._firsts[chunk]
        start = (position - self._sizes[size] + 1 - first).clamp(min=0)
        stop = torch.where(position < self._lasts[chunk], position - first + 1, self._windows.slots)
        maxima = self._windows.maxima.repeat(len(positions), 1, 1, 1)
        maxima[of, size, chunk] = self._windows.without(size, chunk, start, stop)
        return maxima

    def _maxima(self, changed: Tensor, maxima: Tensor, positions: Tensor, substitutes: Tensor) -> Tensor:
        """Return the maxima (S, W, P, F) of the copies, given those of the windows that are not `changed` (S, W, P)."""
        for number, offsets in enumerate(self._offsets):
            copies, chunks = changed[:, number].nonzero(as_tuple=True)  # (N,) both
            position, first, last = positions[copies], self._firsts[chunks], self._lasts[chunks]

            # A window may come twice, or not contain the position; as it is of the chunk, the maximum is the same.
            start = torch.maximum(position - len(offsets) + 1, first)
            slots = torch.arange(min(len(offsets), self._windows.slots), device=start.device)
            places = torch.minimum(start[:, None] + slots, last[:, None])[:, :, None] + (offsets - offsets[0])
            new = substitutes[copies, None, None]
            members = torch.where(places == position[:, None, None], new, self._document[places])
            anew = window_sums(self._projection, members, offsets).amax(1)  # (N, F)
            maxima[copies, number, chunks] = torch.maximum(anew, maxima[copies, number, chunks])
        return self._stack(maxima.unbind(1))


class _Neighbours:
    """Windows of every size and chunk, and their maxima without a few that are next to each other."""

    def __init__(self, sums: Tensor, most: int) -> None:
        """Take the windows `sums` (W, P, C, F), of which up to `most` will be left out, or all from one on."""
        self.slots = sums.shape[2]
        self._sums = functional.pad(sums, (0, 0, 0, -self.slots % BLOCK), value=-torch.inf)
        blocks = self._sums.unflatten(2, (-1, BLOCK)).amax(3)  # (W, P, K, F)
        self._before = functional.pad(blocks.cummax(2).values, (0, 0, 1, 0), value=-torch.inf)  # (W, P, K + 1, F)
        self._after = functional.pad(blocks.flip(2).cummax(2).values.flip(2), (0, 0, 0, 1), value=-torch.inf)
        self._reach = torch.arange((2 + (most - 2) // BLOCK) * BLOCK, device=sums.device)

    @property
    def maxima(self) -> Tensor:
        """The maxima (W, P, F) of all windows."""
        return self._after[:, :, 0]

    def without(self, size: Tensor, chunk: Tensor, start: Tensor, stop: Tensor) -> Tensor:
        """Return the maxima (N, F) of a `size` and `chunk` without slots `start` to before `stop`, (N,) each."""
        block, none = start // BLOCK, self._after.shape[2] - 1
        near = (block[:, None] * BLOCK + self._reach).clamp(max=self._sums.shape[2] - 1)
        left_out = (near >= start[:, None]) & (near < stop[:, None])
        values = self._sums[size[:, None], chunk[:, None], near].masked_fill(left_out.unsqueeze(-1), -torch.inf).amax(1)
        beyond = torch.where(stop < self.slots, (block + len(self._reach) // BLOCK).clamp(max=none), none)
        others = torch.maximum(self._before[size, chunk, block], self._after[size, chunk, beyond])
        return torch.maximum(values, others)
