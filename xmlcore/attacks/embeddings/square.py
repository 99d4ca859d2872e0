"""Square Attack on embeddings (Andriushchenko et al. 2020): random search by who sees scores and no gradient.

A picture's square is a run of tokens here, and its colour a random corner of the ball, the same for all of the run.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from xmlcore.attacks.embeddings.balls import Ball
from xmlcore.attacks.embeddings.documents import Documents, Iterate
from xmlcore.attacks.embeddings.objectives import margin
from xmlcore.common.device import to_device

SHARE = 0.8  # of a document's tokens is the first run
HALVED_AT = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)  # of the queries


def square(documents: Documents, *, ball: Ball, queries: int, generator: torch.Generator) -> Iterator[Iterate]:
    """Yield what each of `queries` found, each a forward pass; one that raises the margin is where the next begins."""
    lengths = documents.mask.sum(1)
    best = documents.moved(_corner(documents, ball, generator), margin)
    yield best
    for query in range(1, queries):
        share = SHARE / 2 ** sum(query >= part * queries for part in HALVED_AT)
        runs = (share * lengths).round().long().clamp(min=1)
        firsts = (to_device(torch.rand(len(runs), generator=generator), runs.device) * (lengths - runs + 1)).long()
        places = torch.arange(documents.mask.shape[1], device=runs.device)
        inside = (places >= firsts[:, None]) & (places < (firsts + runs)[:, None])
        corner = _corner(documents, ball, generator)
        found = documents.moved(torch.where(inside[:, :, None], corner, best.perturbation), margin)
        yield found
        best = found.where(found.objective > best.objective, best)


def _corner(documents: Documents, ball: Ball, generator: torch.Generator) -> Tensor:
    """Return a corner (B, T, D) of `ball` that is the same at all tokens of a document, zero at the padding."""
    count, _, width = documents.embeddings.shape
    drawn = to_device(torch.rand(count, 1, width, generator=generator), documents.mask.device)
    return ball.farthest((drawn - 0.5) * documents.mask.unsqueeze(-1))
