"""Documents as they were and as an attack on words left them, each explained by every method that has pages."""

import json
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from xmlcore.attacks.words.victim import Victim
from xmlcore.explain.explainers import METHODS, explainers
from xmlcore.params import Explain
from xmlcore.predictor import Predictor
from xmlcore.stored import written_by

SHOWN = ("document", "doc_id", "true_labels", "goal", "generator")
USED = (*SHOWN, "labels", "words", "changes", "best_before", "success")


def read_attacks(path: Path) -> list[dict[str, Any]]:
    """What is used of the lines of attacks.jsonl. Raises `UserError` where the file is damaged."""
    with written_by("attack_words", path), path.open("rb") as lines:
        return [{key: row[key] for key in USED} for row in map(json.loads, lines)]


def chosen_attacks(attacks: Iterable[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """`count` successes on different documents, of the lines of attacks.jsonl: the shortest texts, goals in turn."""
    by_goal: dict[str, list[dict[str, Any]]] = {}
    for attack in sorted(attacks, key=lambda attack: len(attack["words"])):
        if attack["success"]:
            by_goal.setdefault(attack["goal"], []).append(attack)
    in_turn = (attack for attack in chain.from_iterable(zip_longest(*by_goal.values())) if attack)
    of_documents: dict[int, dict[str, Any]] = {}
    for attack in in_turn:
        of_documents.setdefault(attack["document"], attack)
    return [*of_documents.values()][:count]


class Gallery:
    """What one model makes of attacks on another."""

    def __init__(self, victim: Victim, predictor: Predictor, options: Explain, seed: int) -> None:
        """`victim` and `predictor` are the same model."""
        self._victim, self._predictor = victim, predictor
        self._explainers = explainers(options, seed)
        self._ids = {name: label for label, name in enumerate(predictor.label_names)}

    def entries(self, attack: dict[str, Any]) -> list[dict[str, Any]]:
        """The objects of gallery.json of one line of attacks.jsonl: of the labels aimed at and the best one before."""
        after = list(attack["words"])
        for change in attack["changes"]:
            after[change["position"]] = change["substitute"]
        changed = {change["position"] for change in attack["changes"]}
        names = dict.fromkeys([*attack["labels"], *attack["best_before"][:1]])
        return [
            {
                **{key: attack[key] for key in SHOWN},
                "label_name": name,
                "texts": {
                    which: self._text(words, changed, self._ids[name], attack["document"])
                    for which, words in (("original", attack["words"]), ("attacked", after))
                },
            }
            for name in names
        ]

    def _text(self, words: Sequence[str], changed: set[int], label: int, document: int) -> dict[str, Any]:
        pieces = [self._victim.pieces_of(word) for word in words]
        tokens = [piece for of_word in pieces for piece in of_word]
        word_of = [i for i, of_word in enumerate(pieces) for _ in of_word]
        judged = self._victim.judge(words, [label])
        return {
            "score": float(1 / (1 + np.exp(-judged.scores[0, 0].astype(float)))),
            "rank": int(judged.ranks[0, 0]),
            "tokens": tokens,
            "changed": [position for position, word in enumerate(word_of) if word in changed],
            "weights": {
                method: self._explainers[method](tokens, self._predictor, label, document).of_tokens if tokens else []
                for method in METHODS
            },
        }
