"""Ranking metrics of extreme classification, from the top k predictions of each document alone.

P@k is equation 18 of seed 000; nDCG@k divides by the best DCG that the document's own labels allow (Jain et al. 2016).
"""

import numpy as np

from xmlcore.encoding import Split

KS = (1, 3, 5)
TOP = max(KS)


def hits(top: np.ndarray, split: Split, documents: np.ndarray) -> np.ndarray:
    """(n, K) bool: is the k-th predicted label, `top` (n, K) of the n `documents` of `split`, a true one?"""
    return np.stack([np.isin(row, split.labels_of(i)) for row, i in zip(top, documents, strict=True)])


def precision_at_k(hits: np.ndarray, k: int) -> float:
    """Mean share of true labels among the first `k` predictions; `hits` is (N, K) bool, K >= k."""
    return float(hits[:, :k].mean())


def ndcg_at_k(hits: np.ndarray, label_counts: np.ndarray, k: int) -> float:
    """Mean DCG@k over the ideal DCG@k of `label_counts` (N,) true labels; a document without labels counts as 0."""
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[1.0], np.cumsum(discounts)])[np.minimum(label_counts, k)]
    return float((hits[:, :k] @ discounts / ideal).mean())


def ranking_metrics(hits: np.ndarray, label_counts: np.ndarray) -> dict[str, float]:
    """`P@k` and `nDCG@k` for every k of `KS`, as fractions, with the keys that the metrics files use."""
    precision = {f"P@{k}": precision_at_k(hits, k) for k in KS}
    return precision | {f"nDCG@{k}": ndcg_at_k(hits, label_counts, k) for k in KS}


def robustness_gap(clean: dict[str, float], attacked: dict[str, float]) -> dict[str, float]:
    """`gap@k`: clean minus attacked P@k (equation 17 of seed 000)."""
    return {f"gap@{k}": clean[f"P@{k}"] - attacked[f"P@{k}"] for k in KS}
