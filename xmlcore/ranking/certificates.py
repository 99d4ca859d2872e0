"""Certified precision: which of a document's true labels stay among its best k whatever substitutes stand in it.

A label is certainly among the best k if fewer than k others can pass it. Whether one can is bounded for the pair, and
only where the bounds of the two logits, each for itself, overlap: few pairs, however many labels there are. What that
leaves open is bounded more closely.
"""

import numpy as np
import torch
from torch import Tensor

from xmlcore.common.distributed import map_shared
from xmlcore.data.batches import TrueLabels, batches, pad, true_labels
from xmlcore.data.dataset import Split
from xmlcore.models.base import TokenClassifier
from xmlcore.models.bounds import LogitBounds
from xmlcore.ranking.metrics import KS, TOP
from xmlcore.ranking.predictions import Track, untracked

BATCH_SIZE = 32
OTHERS = 64  # labels that are held against one at once: what bounds the memory
ROUNDING = 1e-4  # of the sum of the absolute terms of a logit, many times its error in float32


@torch.inference_mode()
def certified_hits(
    model: TokenClassifier, split: Split, substitutes: Tensor, share: float = 1.0, track: Track = untracked
) -> np.ndarray | None:
    """Return how many true labels of each document are certainly among the best k: (N, len(KS)), for each of `KS`.

    `substitutes` (V, K) are what each token may become, itself first, at every position at once, or at a `share` of
    the positions of a document at most. None: the model has no bounds.
    """
    model.eval()
    together = [*batches(split.lengths, BATCH_SIZE)]

    def certify(documents: np.ndarray) -> np.ndarray | None:
        tokens = pad([split.document(i) for i in documents])
        bounds = model.token_bounds(tokens, substitutes, share)
        labels = true_labels(split, documents).to(model.device)
        return None if bounds is None else certainly_best(bounds, labels).cpu().numpy()

    found = [each for each in map_shared(certify, track(together, "certify", total=len(together))) if each is not None]
    return np.concatenate(found)[np.argsort(np.concatenate(together))] if found else None


def certainly_best(bounds: LogitBounds, labels: TrueLabels) -> Tensor:
    """Return (B, len(KS)) how many of the true `labels` of each document are certainly among its best k."""
    own, low, high = bounds.logits()
    error = ROUNDING * bounds.magnitude()
    best = own.topk(min(TOP, own.shape[1])).indices  # no other label is among the best even of the unchanged document
    true = (best[:, :, None] == labels.ids[:, None, :]).any(2)
    documents, ranks = true.nonzero(as_tuple=True)
    passing = _passing(bounds, documents, best[documents, ranks], low - error, high + error, error)
    certain = torch.zeros(len(own), len(KS), dtype=torch.int64, device=own.device)
    for column, k in zip(certain.t(), KS, strict=True):
        column.index_add_(0, documents, (passing < k).long())
    return certain


def _passing(
    bounds: LogitBounds, documents: Tensor, labels: Tensor, low: Tensor, high: Tensor, error: Tensor
) -> Tensor:
    """Return (M,) how many others can pass each of `labels` in its document, both (M,); those beyond `TOP` uncounted.

    The labels that reach highest are looked at first, until as many have passed or none that is left reaches so far.
    """
    passing = torch.zeros_like(labels)
    reach, order = high.sort(1, descending=True)
    lowest = low[documents, labels]
    for first in range(0, order.shape[1], OTHERS):
        undecided = ((passing < TOP) & (reach[documents, first] >= lowest)).nonzero()[:, 0]
        if not len(undecided):
            break
        of, label = documents[undecided], labels[undecided]
        others = order[of, first : first + OTHERS]
        allowed = error[of, label][:, None] + error[of[:, None], others]
        passed = (bounds.margins(of, label, others) <= allowed) & (others != label[:, None])
        pair, column = passed.nonzero(as_tuple=True)
        close = bounds.close_margins(of[pair], label[pair], others[pair, column])
        passed[pair, column] = close <= allowed[pair, column]
        passing[undecided] += passed.sum(1)
    return passing
