"""Metrics in which rare labels weigh as much as frequent ones or more: propensity-scored precision and nDCG, and F1.

They need the top k predictions of each document alone. Per-label arrays have L + 1 entries: the last, at
`UNSEEN_LABEL`, is for the true labels that training never saw, whose names an encoded corpus does not tell apart.
"""

import numpy as np

from xmlcore.data.dataset import Split
from xmlcore.ranking.metrics import TOP, discounts, ideal_dcg, ratio


def best_gains(split: Split, propensities: np.ndarray) -> np.ndarray:
    """Return the highest inverse propensities of each document's true labels, falling, then zeros: (N, TOP) float64.

    A label that training never saw is attainable like any other: its inverse propensity is the highest,
    and `propensities` (L + 1,) end with its propensity. The published test matrices, which give such labels a column,
    are scored in the same way.
    """
    counts = np.diff(split.label_offsets)
    documents = np.repeat(np.arange(len(split)), counts)
    gains = 1 / propensities[split.labels]
    falling = gains[np.lexsort((-gains, documents))]
    ranks = np.arange(len(gains)) - np.repeat(split.label_offsets[:-1], counts)
    kept = ranks < TOP
    best = np.zeros((len(split), TOP))
    best[documents[kept], ranks[kept]] = falling[kept]
    return best


def psp_at_k(gains: np.ndarray, best: np.ndarray, k: int) -> float:
    """Return propensity-scored P@k over the best attainable (Jain et al. 2016); a document without labels adds nothing.

    `gains` (N, K) are the inverse propensities of the predicted labels that are right, 0 elsewhere; `best` as from
    `best_gains`. Both are summed over the documents before they are divided, as in pyxclib.
    """
    return ratio(gains[:, :k].sum(), best[:, :k].sum())


def psndcg_at_k(gains: np.ndarray, best: np.ndarray, label_counts: np.ndarray, k: int) -> float:
    """Return propensity-scored nDCG@k over the best attainable.

    Each document's DCG is first divided by its ideal plain DCG, as in pyxclib. `label_counts` (N,) are the numbers of
    true labels of the documents; the rest is as in `psp_at_k`.
    """
    attained, attainable = (values[:, :k] @ discounts(k) / ideal_dcg(label_counts, k) for values in (gains, best))
    return ratio(attained.sum(), attainable.sum())


def tally(top: np.ndarray, hits: np.ndarray, chosen: np.ndarray, split: Split, labels: int) -> np.ndarray:
    """Return the counts (3, L + 1) int64 of how often each label is predicted and true, predicted, true.

    Of `top` (N, K), label ids for the documents of `split`, those that are `chosen` (N, K) bool count as predicted, and
    those in `hits` (N, K) bool are true. `labels` is L.
    """
    true = split.labels % (labels + 1)  # UNSEEN_LABEL is the last column
    return np.stack([np.bincount(ids, minlength=labels + 1) for ids in (top[chosen & hits], top[chosen], true)])


def precision(tally: np.ndarray) -> float:
    """Return the share of the predicted (document, label) pairs that are true."""
    hit, predicted, _ = tally.sum(1)
    return ratio(hit, predicted)


def recall(tally: np.ndarray) -> float:
    """Return the share of the true (document, label) pairs that are predicted."""
    hit, _, true = tally.sum(1)
    return ratio(hit, true)


def micro_f1(tally: np.ndarray) -> float:
    """Return the F1 of all (document, label) pairs together; a label that training never saw counts as missed."""
    hit, predicted, true = tally.sum(1)
    return ratio(2 * hit, predicted + true)


def macro_f1(tally: np.ndarray) -> float:
    """Return the mean F1 of the labels that are true of some document; `tally` has none that training never saw.

    So it is a mean over the same labels for every classifier: one that dares to predict a rare label is not punished
    by an F1 of 0 that others are spared. It is scikit-learn's `f1_score(average="macro")` with these as `labels`.
    """
    hit, predicted, true = tally[:, tally[2] > 0]
    return ratio((2 * hit / (predicted + true)).sum(), len(hit))
