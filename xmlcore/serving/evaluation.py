"""How good a model is on a user's own texts with known labels."""

from collections.abc import Iterable

import numpy as np

from xmlcore.common.errors import UserError
from xmlcore.corpora.user_texts import Given
from xmlcore.data.dataset import UNSEEN_LABEL, Split
from xmlcore.ranking.label_metrics import micro_f1, tally
from xmlcore.ranking.metrics import KS, TOP, hits, ranking_metrics, recall_at_k
from xmlcore.serving.text_classifier import TextClassifier

CUT = "micro_f1"  # the threshold of the F1 that is told


def evaluate_texts(classifier: TextClassifier, documents: Iterable[Given]) -> dict[str, float | int]:
    """Return `P@k`, `nDCG@k`, `recall@k`, `micro_F1` at the fitted threshold, and how many labels the model lacks.

    Such labels count as missed. Raises `UserError` where no document has a label that the model knows.
    """
    ids = {name: i for i, name in enumerate(classifier.labels)}
    labels: list[list[int]] = []

    def texts() -> Iterable[str]:
        for each in documents:
            labels.append(sorted(ids.get(label, UNSEEN_LABEL) for label in each.labels or []))
            yield each.text

    stored = min(2 * TOP, len(ids))
    found = [*classifier.stream(texts(), stored)]
    if not any(label != UNSEEN_LABEL for of_text in labels for label in of_text):
        raise UserError("no text has a label that the model knows; `labels.tsv` in its folder has them")
    offsets = np.concatenate([[0], np.cumsum([len(of_text) for of_text in labels])])
    flat = np.array([label for of_text in labels for label in of_text], np.int32)
    split = Split(np.empty(0, np.int32), np.zeros(len(labels) + 1, np.int64), flat, offsets)
    top = np.array([[ids[label.name] for label in of_text] for of_text in found])
    scores = np.array([[label.probability for label in of_text] for of_text in found])
    right = hits(top, split, np.arange(len(labels)))
    best = np.pad(right[:, :TOP], ((0, 0), (0, max(TOP - right.shape[1], 0))))
    counts = np.diff(offsets)
    threshold = classifier.threshold(CUT)
    figures: dict[str, float | int] = {"documents": len(labels), "unknown_labels": int((flat == UNSEEN_LABEL).sum())}
    figures |= ranking_metrics(best, counts) | {f"recall@{k}": recall_at_k(best, counts, k) for k in KS}
    return figures | {"micro_F1": micro_f1(tally(top, right, scores >= threshold, split, len(ids)))}
