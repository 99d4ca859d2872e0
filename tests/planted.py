"""A planted world: one decisive word for each label, so that the right substitution is known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from toys import LinearClassifier, split_of
from xmlcore.attacks.words.generators.base import Request
from xmlcore.config.params import Words
from xmlcore.data.dataset import EncodedCorpus
from xmlcore.data.tokens import Vocabulary

FILLERS = [f"filler{i}" for i in range(8)]
DECISIVE = ["grain", "ship", "trade", "gold", "sugar", "coffee"]
VOCABULARY = Vocabulary([*DECISIVE, *FILLERS, "the"])
LABELS = [f"label {word}" for word in DECISIVE]
GOALS = ["positive", "negative", "negative_clustered", "non_targeted"]


def encoded(pieces: Path | None = None, max_tokens: int = 20) -> EncodedCorpus:
    empty = split_of([], [])
    splits = {name: empty for name in ("train", "validation", "test")}
    return EncodedCorpus(VOCABULARY, LABELS, "whitespace", max_tokens, pieces, splits)


def planted_model() -> LinearClassifier:
    """A label's logit is the share of its word in the document; without it, the later label is the better one."""
    table = np.zeros((len(VOCABULARY), len(DECISIVE)), np.float32)
    table[2 : 2 + len(DECISIVE)] = np.eye(len(DECISIVE))
    model = LinearClassifier(table.tolist(), np.eye(len(DECISIVE), dtype=np.float32).tolist())
    model.initialise_output(torch.arange(len(DECISIVE)) / 1000)
    return model


class Listed:
    """A generator of the words of a list, and a witness of what it was asked."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = list(words)
        self.asked: list[str] = []

    def propose(self, requests: Sequence[Request], count: int) -> list[list[str]]:
        self.asked += [request.words[request.position] for request in requests]
        return [[word for word in self._words if word != request.words[request.position]] for request in requests]


def options(**changes) -> Words:
    """`words` of params.yaml with `changes`, small."""
    given = {
        "goals": GOALS,
        "generators": ["deletion"],
        "thresholds": [0.8],
        "k": 3,
        "bins": 3,
        "samples": 4,
        "max_change": 0.25,
    }
    return Words(**(given | changes))
