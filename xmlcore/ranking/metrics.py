"""Ranking metrics of extreme classification, from the top k predictions of each document alone.

P@k is equation 18 of Sapkal and Savalia 2025; nDCG@k divides by the best DCG that a document's own labels
allow (Jain et al. 2016).
"""

import numpy as np

from xmlcore.data.dataset import UNSEEN_LABEL, Split
from xmlcore.ranking.results import Precision

KS = (1, 3, 5)
TOP = max(KS)
RANKING = tuple(f"{metric}@{k}" for metric in ("P", "nDCG") for k in KS)


def hits(top: np.ndarray, split: Split, documents: np.ndarray) -> np.ndarray:
    """Return which predicted labels, `top` (n, K) of the n `documents` of `split`, are true ones, as (n, K) bool."""
    starts, counts = split.label_offsets[documents], split.label_offsets[documents + 1] - split.label_offsets[documents]
    rows = np.arange(len(documents))
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    true = split.labels[np.repeat(starts, counts) + within]
    width = max(top.max(initial=0), true.max(initial=0)) - UNSEEN_LABEL + 1  # a pair is known by row * width + label
    return np.isin(rows[:, None] * width + top, np.repeat(rows, counts) * width + true)


def precision_at_k(hits: np.ndarray, k: int) -> float:
    """Return the mean share of true labels among the first `k` predictions; `hits` is (N, K) bool, K >= k."""
    return float(hits[:, :k].mean())


def ndcg_at_k(hits: np.ndarray, label_counts: np.ndarray, k: int) -> float:
    """Return the mean of DCG@k over the ideal DCG@k of `label_counts` (N,) true labels.

    A document without labels counts as 0.
    """
    return float(_ndcg_of_each(hits, label_counts, k).mean())


def _ndcg_of_each(hits: np.ndarray, label_counts: np.ndarray, k: int) -> np.ndarray:
    return hits[:, :k] @ discounts(k) / ideal_dcg(label_counts, k)


def discounts(k: int) -> np.ndarray:
    """Return the weights (k,) of the ranks in DCG@k."""
    return 1 / np.log2(np.arange(2, k + 2))


def ideal_dcg(label_counts: np.ndarray, k: int) -> np.ndarray:
    """Return the best DCG@k (N,) of documents with `label_counts` (N,) true labels; 1 for one without labels."""
    return np.concatenate([[1.0], np.cumsum(discounts(k))])[np.minimum(label_counts, k)]


def recall_at_k(hits: np.ndarray, label_counts: np.ndarray, k: int) -> float:
    """Return the mean share of true labels that are among the first `k` predictions, over documents with labels."""
    labelled = label_counts > 0
    return ratio((hits[labelled, :k].sum(1) / label_counts[labelled]).sum(), labelled.sum())


def ratio(part: float, whole: float) -> float:
    """Return `part` / `whole`, or 0 where `whole` is 0."""
    return float(part / whole) if whole else 0.0


def ranking_metrics(hits: np.ndarray, label_counts: np.ndarray) -> dict[str, float]:
    """Return `P@k` and `nDCG@k` for every k of `KS`, as fractions, with the keys that the metrics files use."""
    precision = {f"P@{k}": precision_at_k(hits, k) for k in KS}
    return precision | {f"nDCG@{k}": ndcg_at_k(hits, label_counts, k) for k in KS}


def mean_precision(counts: np.ndarray) -> Precision:
    """Return P@k of documents that have `counts` (N, len(KS)) true labels among their best k."""
    means = (counts / KS).mean(0).tolist()
    return {"P@1": means[0], "P@3": means[1], "P@5": means[2]}


def document_metrics(hits: np.ndarray, label_counts: np.ndarray) -> np.ndarray:
    """Return the F figures (N, F) of each document that `ranking_metrics` gives means of, in the order of `RANKING`."""
    precision = [hits[:, :k].mean(1) for k in KS]
    return np.stack(precision + [_ndcg_of_each(hits, label_counts, k) for k in KS], axis=1)


def robustness_gap(clean: dict[str, float], attacked: dict[str, float]) -> dict[str, float]:
    """Return `gap@k`: clean minus attacked P@k (Sapkal and Savalia 2025, eq. 17)."""
    return {f"gap@{k}": clean[f"P@{k}"] - attacked[f"P@{k}"] for k in KS}
