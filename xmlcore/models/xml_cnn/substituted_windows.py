"""Convolution and dynamic max pooling of many copies of one document, each of which differs from it in one token.

Only the windows that contain the token change, at most as many of a size as the size itself, and these are summed anew,
in the order of `windows`. The maxima over the windows of a chunk that come before them and after them are those of the
document, and are looked up. Shapes as in `windows`; `S` copies.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from xmlcore.models.token_rows import TokenRows
from xmlcore.models.xml_cnn.windows import Windows, project, rounded, window_sums

NUMBERS_AT_ONCE = 2**21  # of projections and maxima of copies, to bound memory; temporaries take about twice as much


class SubstitutedMax:
    """A document with what its copies share: its projections, and running maxima of its windows in every chunk."""

    def __init__(self, document: TokenRows, kernel: Tensor, sizes: Sequence[int], chunks: int) -> None:
        """Compute what the copies of `document`, with `row_of` (T,), share under `kernel` (D, H, F)."""
        rows, index = document
        self._rows, self._kernel = rows, rounded(kernel)
        self._windows = Windows(torch.tensor([len(index)], device=index.device), sizes, chunks)
        used, places = functional.pad(index, (0, 1)).unique(return_inverse=True)
        self._document = self._windows.pad(places[:-1])
        self._projection = project(rounded(rows[used]), self._kernel)
        self._running = [_running_maxima(sums[0]) for sums in self._windows.sums(self._projection, places[None, :-1])]
        self._offsets = torch.arange(sum(sizes), device=index.device).split(tuple(sizes))
        self._at_once = max(1, NUMBERS_AT_ONCE // (kernel[0].numel() + len(sizes) * chunks * kernel.shape[2]))

    def maxima(self, positions: Tensor, substitutes: Tensor) -> Iterator[Tensor]:
        """Yield the maxima (S, W, P, F) of the copies with row `substitutes[s]` at `positions[s]`, some at a time."""
        for some in zip(positions.split(self._at_once), substitutes.split(self._at_once), strict=True):
            yield self._maxima(*some)

    def _maxima(self, positions: Tensor, substitutes: Tensor) -> Tensor:
        distinct, places = substitutes.unique(return_inverse=True)
        projection = torch.cat([self._projection, project(rounded(self._rows[distinct]), self._kernel)])
        places = places + len(self._projection)
        maxima = [self._of_size(size, projection, positions, places) for size in range(len(self._offsets))]
        return self._windows.stack(maxima).to(self._rows.dtype)

    def _of_size(self, number: int, projection: Tensor, positions: Tensor, substitutes: Tensor) -> Tensor:
        """Return the maxima (S, P, F) of the windows of one size; `substitutes` (S,) are rows of `projection`."""
        offsets, (before, after) = self._offsets[number], self._running[number]
        size, longest = len(offsets), before.shape[1] - 1
        firsts, lasts = self._windows.firsts[0], self._windows.lasts[0]
        changed = (positions[:, None] >= firsts) & (positions[:, None] - size < lasts) & (firsts <= lasts)
        copies, chunks = changed.nonzero(as_tuple=True)  # (N,) both
        position, first, last = positions[copies], firsts[chunks], lasts[chunks]

        # A window may come twice, or not contain the position; as it is one of the chunk, the maximum is the same.
        start = torch.maximum(position - size + 1, first)
        slots = torch.arange(min(size, longest), device=start.device)
        places = torch.minimum(start[:, None] + slots, last[:, None])[:, :, None] + (offsets - offsets[0])
        new = substitutes[copies, None, None]
        members = torch.where(places == position[:, None, None], new, self._document[places])
        anew = window_sums(projection, members, offsets).amax(1)  # (N, F)

        earlier = before[chunks, start - first]
        later = after[chunks, torch.where(position < last, position - first + 1, longest)]
        maxima = before[:, -1].repeat(len(positions), 1, 1)
        maxima[copies, chunks] = torch.maximum(anew, torch.maximum(earlier, later))
        return maxima


def _running_maxima(sums: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maxima (P, C + 1, F) of `sums` (P, C, F) before each slot, and from each slot on; -inf of nothing."""
    before = functional.pad(sums.cummax(1).values, (0, 0, 1, 0), value=-torch.inf)
    after = functional.pad(sums.flip(1).cummax(1).values.flip(1), (0, 0, 0, 1), value=-torch.inf)
    return before, after
