"""Certified P@k of any model, made smooth: random copies of a document vote (Cohen et al. 2019; Jia et al. 2022).

Two ways to draw copies, and what each withstands: normal noise on the embeddings, a small change of all of them; a
random part of the words, any change of some words (Levine and Feizi 2020; RanMASK of Zeng et al. 2023).
"""

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from xmlcore.common.device import to_device
from xmlcore.common.distributed import map_shared
from xmlcore.config.params import Smoothing
from xmlcore.data.dataset import Split
from xmlcore.data.sparse_matrices import token_counts
from xmlcore.evaluation.results import Smoothed, SmoothedPoint, SmoothingWay
from xmlcore.models.base import Classifier
from xmlcore.ranking.metrics import KS, TOP, mean_precision
from xmlcore.ranking.predictions import Track, untracked
from xmlcore.ranking.votes import Change, Difference, Shift, certain_hits, probability_bounds

AT_ONCE = 128  # copies that are scored together


class Way(Protocol):
    """How copies of a document are drawn, and what that says of a changed one."""

    @property
    def radii(self) -> Sequence[float]:
        """What is asked of it."""

    def logits(self, model: Classifier, tokens: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """Return the logits (`count`, L) of random copies of the document `tokens` (1, T)."""

    def change(self, radius: float, length: int, width: int) -> Change:
        """Return what a change of `radius` can do to a document of `length` tokens with embeddings of `width`."""


class Noise:
    """Normal noise on the embeddings: that of a token is `deviation` mean norms long, in the root mean square.

    A radius is the L2 norm of a change of the document, told as if all tokens moved equally far: in mean norms a token,
    the unit of `fgsm.relative_size`. The mean `norm` is one for all documents, since a document that was changed must
    not draw other noise.
    """

    def __init__(self, deviation: float, radii: Sequence[float], norm: float) -> None:
        self._deviation, self.radii, self._norm = deviation, radii, norm

    def logits(self, model: Classifier, tokens: Tensor, count: int, generator: torch.Generator) -> Tensor:
        embeddings = model.embed(tokens)
        size = self._deviation * self._norm / math.sqrt(embeddings.shape[2])
        noise = to_device(torch.randn(count, *embeddings.shape[1:], generator=generator), embeddings.device)
        mask = torch.ones(count, tokens.shape[1], dtype=torch.bool, device=embeddings.device)
        return model.score(embeddings + size * noise, mask)

    def change(self, radius: float, length: int, width: int) -> Shift:
        return Shift(radius * math.sqrt(length * width) / self._deviation)


class Deletion:
    """A random part of the words, `kept` of them in their order. A radius is how many words become any others."""

    def __init__(self, kept: float, radii: Sequence[int]) -> None:
        self._kept, self.radii = kept, radii

    def logits(self, model: Classifier, tokens: Tensor, count: int, generator: torch.Generator) -> Tensor:
        length = tokens.shape[1]
        drawn = torch.rand(count, length, generator=generator).argsort(1)[:, : self._count(length)]
        return model(tokens[0, drawn.sort(1).values])

    def change(self, radius: float, length: int, width: int) -> Difference:
        kept, words = self._count(length), int(radius)
        untouched = math.comb(max(length - words, 0), kept) / math.comb(length, kept)  # copies without a changed word
        return Difference(1 - untouched)

    def _count(self, length: int) -> int:
        return max(1, round(self._kept * length))


@torch.inference_mode()
def smoothed(
    model: Classifier, split: Split, options: Smoothing, seed: int, track: Track = untracked
) -> dict[SmoothingWay, Smoothed]:
    """Return for each way of smoothing the figures of `model` on `options.documents` of `split`, drawn by `seed`."""
    model.eval()
    drawn = np.random.default_rng(seed).permutation(len(split))[: options.documents]
    ways: dict[SmoothingWay, Way] = {
        "noise": Noise(options.deviation, options.sizes, _mean_norm(model, split)),
        "deletion": Deletion(options.kept, options.words),
    }

    def examine(documents: np.ndarray) -> dict[SmoothingWay, np.ndarray]:
        (document,) = documents.tolist()
        generator = torch.Generator().manual_seed(seed + document)
        return {name: _hits(model, split, document, way, options, generator) for name, way in ways.items()}

    examined = map_shared(examine, track(np.split(drawn, len(drawn)), "smooth", total=len(drawn)))
    return {name: _figures(np.stack([each[name] for each in examined]), way) for name, way in ways.items()}


def _mean_norm(model: Classifier, split: Split) -> float:
    """Return the mean L2 norm of the embeddings of all tokens of `split`."""
    norms = model.embed(torch.arange(len(model.embedding_table))[None])[0].norm(dim=1).cpu().double().numpy()
    counts = token_counts(split, len(norms))
    return float(counts @ norms / counts.sum())


def _hits(
    model: Classifier, split: Split, document: int, way: Way, options: Smoothing, generator: torch.Generator
) -> np.ndarray:
    """Return (1 + radii, len(KS)) how many true labels the copies of a document vote among its best k, then certain."""
    tokens = torch.from_numpy(split.document(document).astype(np.int64))[None]
    known = split.labels_of(document)
    true = np.zeros(model.labels, bool)
    true[known[known >= 0]] = True
    votes = np.zeros((len(KS), model.labels), np.int64)
    for best in _best_of_copies(model, tokens, way, options.copies, generator):
        for row, k in zip(votes, KS, strict=True):
            row += np.bincount(best[:, :k].ravel(), minlength=model.labels)
    found = np.zeros((1 + len(way.radii), len(KS)), np.int64)
    changes = [way.change(each, tokens.shape[1], model.embedding_table.shape[1]) for each in way.radii]
    for column, (row, k) in enumerate(zip(votes, KS, strict=True)):
        found[0, column] = true[np.argsort(-row, kind="stable")[:k]].sum()
        low, high = probability_bounds(row, options.copies, options.confidence)
        found[1:, column] = [certain_hits(low, high, true, k, change) for change in changes]
    return found


def _best_of_copies(
    model: Classifier, tokens: Tensor, way: Way, copies: int, generator: torch.Generator
) -> Iterator[np.ndarray]:
    """Yield the best labels (n, TOP) of random copies of a document, some at a time."""
    for first in range(0, copies, AT_ONCE):
        logits = way.logits(model, tokens, min(AT_ONCE, copies - first), generator)
        yield logits.topk(min(TOP, model.labels)).indices.cpu().numpy()


def _figures(hits: np.ndarray, way: Way) -> Smoothed:
    """Return P@k of documents with so many `hits` (N, 1 + radii, len(KS))."""
    voted, *certified = map(mean_precision, hits.swapaxes(0, 1))
    points: list[SmoothedPoint] = [
        {"radius": radius, **each} for radius, each in zip(way.radii, certified, strict=True)
    ]
    return {"documents": len(hits), "voted": voted, "certified": points}
