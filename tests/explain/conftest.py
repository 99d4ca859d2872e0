"""A scorer whose right explanation is known: each distinct word it knows adds its weight to the label's probability."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from xmlcore.explain.documents import Document, Prediction

WEIGHTS = [{"profit": 0.4, "share": 0.2, "rain": -0.1}, {"rain": 0.5}, {}]
BASE = 0.3


@dataclass
class WordScorer:
    asked: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)

    def scores(self, documents: Sequence[Sequence[str]], labels: Sequence[int]) -> np.ndarray:
        self.asked.append((len(documents), tuple(labels)))
        return np.array(
            [
                [BASE + sum(WEIGHTS[label].get(word, 0) for word in set(words)) for label in labels]
                for words in documents
            ],
            dtype=np.float32,
        )


@pytest.fixture
def scorer() -> WordScorer:
    return WordScorer()


@pytest.fixture
def document() -> Document:
    return Document(
        index=7,
        doc_id="n7",
        text="Profit and share, rain.",
        true_labels=("C15",),
        predictions=(Prediction(0, "C15", 0.8), Prediction(1, "GWEA", 0.7), Prediction(2, "CCAT", 0.3)),
    )
