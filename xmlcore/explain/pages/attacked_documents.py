"""Documents as they were and as an attack on words left them, each explained by every method that has pages."""

from collections.abc import Container, Iterable, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from scipy.special import expit

from xmlcore.attacks.words.results import WordAttack
from xmlcore.attacks.words.victim import Victim
from xmlcore.common.artifacts import written_by
from xmlcore.config.params import Explain
from xmlcore.explain.explainers import METHODS, explainers
from xmlcore.models.predictor import Predictor

SHOWN = ("document", "doc_id", "true_labels", "goal", "generator")


def read_attacks(path: Path, label_names: Container[str]) -> list[WordAttack]:
    """Return the lines of attacks.jsonl. Raises `UserError` where the file is damaged, or of other labels."""
    line = TypeAdapter(WordAttack)
    with written_by("attack_words", path):
        attacks = [line.validate_json(each) for each in path.read_bytes().splitlines()]
        for attack in attacks:
            if any(change["position"] >= len(attack["words"]) for change in attack["changes"]):
                raise ValueError("a change is beyond the last word")
            if any(name not in label_names for name in [*attack["labels"], *attack["best_before"]]):
                raise ValueError("a label that the corpus does not have")
        return attacks


def chosen_attacks(attacks: Iterable[WordAttack], count: int) -> list[WordAttack]:
    """Return `count` successes on different documents: the shortest texts, goals in turn."""
    by_goal: dict[str, list[WordAttack]] = {}
    for attack in sorted(attacks, key=lambda attack: len(attack["words"])):
        if attack["success"]:
            by_goal.setdefault(attack["goal"], []).append(attack)
    in_turn = (attack for attack in chain.from_iterable(zip_longest(*by_goal.values())) if attack)
    of_documents: dict[int, WordAttack] = {}
    for attack in in_turn:
        of_documents.setdefault(attack["document"], attack)
    return [*of_documents.values()][:count]


class Gallery:
    """What one model makes of attacks on another."""

    def __init__(self, victim: Victim, predictor: Predictor, options: Explain, seed: int) -> None:
        """Explain by `victim` and `predictor`, which are the same model."""
        self._victim, self._predictor = victim, predictor
        self._explainers = explainers(options, seed)
        self._ids = {name: label for label, name in enumerate(predictor.label_names)}

    def entries(self, attack: WordAttack) -> list[dict[str, Any]]:
        """Return the objects of gallery.json of one attack: of the labels aimed at and the best one before."""
        after = list(attack["words"])
        for change in attack["changes"]:
            after[change["position"]] = change["substitute"]
        changed = {change["position"] for change in attack["changes"]}
        names = dict.fromkeys([*attack["labels"], *attack["best_before"][:1]])
        return [
            {
                **{key: value for key, value in attack.items() if key in SHOWN},
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
            "score": float(expit(float(judged.scores[0, 0]))),
            "rank": int(judged.ranks[0, 0]),
            "tokens": tokens,
            "changed": [position for position, word in enumerate(word_of) if word in changed],
            "weights": {
                method: self._explainers[method](tokens, self._predictor, label, document).of_tokens if tokens else []
                for method in METHODS
            },
        }
