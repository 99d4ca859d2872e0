"""All ranking metrics of stored predictions: one flat mapping, and one row for each bin of label frequencies.

`@k` takes the k best labels of a document as its predicted set. F1 without `@k` takes those of the stored labels whose
probability is at least `THRESHOLD`: labels that predictions.py did not store are not predicted. What is 0/0 is 0.
"""

import numpy as np

from xmlcore.config.params import Propensity
from xmlcore.data.dataset import SPLITS, EncodedCorpus, Split
from xmlcore.data.propensity import label_frequencies, propensities
from xmlcore.ranking.label_metrics import (
    best_gains,
    macro_f1,
    micro_f1,
    precision,
    psndcg_at_k,
    psp_at_k,
    recall,
    tally,
)
from xmlcore.ranking.metrics import KS, TOP, hits, ranking_metrics, ratio, recall_at_k
from xmlcore.ranking.predictions import Predictions

THRESHOLD = 0.5


def ranking_report(predictions: Predictions, split: Split, propensities: np.ndarray) -> dict[str, float]:
    """Return P, nDCG, PSP, PSnDCG, recall, micro and macro F1 at every k of `KS`, and both F1 at `THRESHOLD`.

    All are fractions. `propensities` (L + 1,) end with that of a label that training never saw. Such labels count as
    missed everywhere but in macro F1, the mean over the known labels that are true of a document of `split`. Documents
    without labels count as 0 in P and nDCG; recall, PSP and PSnDCG leave them out. Raises `ValueError` if too few
    labels are stored.
    """
    found = _hits(predictions, split, len(propensities) - 1)
    counts = np.diff(split.label_offsets)
    gains = _at_least_top(found / propensities[predictions.labels])
    best = best_gains(split, propensities)
    tallies = _tallies(predictions, found, split, len(propensities) - 1)
    found = _at_least_top(found)
    return (
        ranking_metrics(found, counts)
        | {f"PSP@{k}": psp_at_k(gains, best, k) for k in KS}
        | {f"PSnDCG@{k}": psndcg_at_k(gains, best, counts, k) for k in KS}
        | {f"recall@{k}": recall_at_k(found, counts, k) for k in KS}
        | {f"micro_F1{cut}": micro_f1(one) for cut, one in tallies.items()}
        | {f"macro_F1{cut}": macro_f1(one[:, :-1]) for cut, one in tallies.items()}
    )


def label_bins(
    predictions: Predictions, split: Split, frequencies: np.ndarray, propensities: np.ndarray, edges: list[int]
) -> list[dict[str, float | str]]:
    """Return a row for each bin of labels by training `frequencies` (L + 1,), the last of which is 0; see `bin_names`.

    `labels` counts the known labels of a bin, `pairs` its true (document, label) pairs in `split`. Recall and precision
    are shares of the bin's true and of its predicted pairs; micro and macro F1 as in `ranking_report`. `P@k` and
    `PSP@k` are what the bin contributes: over the bins they sum to the values of `ranking_report`. Raises as that does.
    """
    labels = len(frequencies) - 1
    found = _hits(predictions, split, labels)
    tallies = _tallies(predictions, found, split, labels)
    best = best_gains(split, propensities)
    bins = np.searchsorted([0, *edges], frequencies)
    rows: list[dict[str, float | str]] = []
    for i, name in enumerate(bin_names(edges)):
        members, known = bins == i, np.flatnonzero(bins[:-1] == i)
        binned = {cut: one[:, members] for cut, one in tallies.items()}
        hit = {k: binned[f"@{k}"][0] for k in KS}
        row: dict[str, float | str] = {"frequency": name, "labels": len(known), "pairs": int(binned[""][2].sum())}
        row |= {f"recall{cut}": recall(one) for cut, one in binned.items()}
        row |= {f"precision{cut}": precision(one) for cut, one in binned.items()}
        row |= {f"micro_F1{cut}": micro_f1(one) for cut, one in binned.items()}
        row |= {f"macro_F1{cut}": macro_f1(one[:, known]) for cut, one in tallies.items()}
        row |= {f"P@{k}": ratio(hit[k].sum(), len(split) * k) for k in KS}
        row |= {f"PSP@{k}": ratio((hit[k] / propensities[members]).sum(), best[:, :k].sum()) for k in KS}
        rows.append(row)
    return rows


def bin_names(edges: list[int]) -> list[str]:
    """Return the names of the bins, numbers of training documents: `0`, `1-5`, `6-20`, `21+` for `[5, 20]`.

    Training never saw the labels of `0`.
    """
    lows = [1, *(edge + 1 for edge in edges)]
    inner = [f"{low}-{high}" if low < high else f"{low}" for low, high in zip(lows, edges, strict=False)]
    return ["0", *inner, f"{lows[-1]}+"]


def _hits(predictions: Predictions, split: Split, labels: int) -> np.ndarray:
    """Return which of the stored labels are true, (N, K) bool. Raises `ValueError` if too few are stored."""
    stored = predictions.labels.shape[1]
    if stored < min(TOP, labels):
        raise ValueError(f"the metrics look at the best {TOP} labels of a document and {stored} are stored")
    return hits(predictions.labels, split, np.arange(len(split)))


def _tallies(predictions: Predictions, found: np.ndarray, split: Split, labels: int) -> dict[str, np.ndarray]:
    """Return the tally (3, L + 1) of the labels predicted at each cut, `@k` or, with an empty name, the threshold."""
    cuts = {f"@{k}": np.broadcast_to(np.arange(found.shape[1]) < k, found.shape) for k in KS}
    cuts[""] = predictions.scores >= THRESHOLD
    return {cut: tally(predictions.labels, found, chosen, split, labels) for cut, chosen in cuts.items()}


def _at_least_top(values: np.ndarray) -> np.ndarray:
    """Return `values` (N, K), with columns of zeros up to `TOP` where there are fewer labels."""
    return np.pad(values, ((0, 0), (0, max(TOP - values.shape[1], 0))))


def summarise(
    predictions: Predictions, corpus: EncodedCorpus, propensity: Propensity, edges: list[int]
) -> tuple[dict[str, float], list[dict[str, float | str]]]:
    """Return `ranking_report` and `label_bins` of the `predictions` of a corpus's test documents.

    A label's frequency is that in training and validation together, the published training documents.
    """
    train, validation, test = (corpus.splits[name] for name in SPLITS)
    known = label_frequencies(train, validation, labels=len(corpus.label_names))
    frequencies = np.append(known, 0)  # 0 of UNSEEN_LABEL
    chances = propensities(frequencies, len(train) + len(validation), propensity.a, propensity.b)
    bins = label_bins(predictions, test, frequencies, chances, edges)
    return ranking_report(predictions, test, chances), bins
