"""Algorithm 1 of Qaraei and Babbar as it is printed, one document scored at a time."""

from collections.abc import Callable, Sequence

import numpy as np

from xmlcore.attacks.words.goals import Target
from xmlcore.attacks.words.victim import MASK, is_substitutable


def plain_attack(
    words: Sequence[str],
    target: Target,
    score: Callable[[Sequence[str]], np.ndarray],
    suggest: Callable[[Sequence[str], int], Sequence[str]],
    k: int,
    max_change: float,
) -> tuple[list[str], bool, int]:
    """The words after the attack, whether it succeeded, and how many documents were scored.

    `score(words)` gives all logits (L,); `suggest(words, position)` substitutes for one word.
    """
    queries = 0

    def ask(document: Sequence[str]) -> np.ndarray:
        nonlocal queries
        queries += 1
        return score(document)

    def closer(logits: np.ndarray, before: np.ndarray) -> float:
        return target.direction * sum(logits[label] - before[label] for label in target.labels)

    def reached(logits: np.ndarray) -> bool:
        ranks = np.array([[1 + (logits > logits[label]).sum() for label in target.labels]])
        return bool(target.reached(ranks, k)[0])

    words = list(words)
    logits = ask(words)
    importance = {
        i: closer(ask([*words[:i], MASK, *words[i + 1 :]]), logits)
        for i, word in enumerate(words)
        if is_substitutable(word)
    }
    order = sorted(importance, key=lambda i: -importance[i])
    for i in order[: int(max_change * len(words) + 1e-9)]:
        best, best_logits, gain = words[i], logits, 0.0
        for substitute in suggest(words, i):
            if substitute and (not is_substitutable(substitute) or substitute.lower() == words[i].lower()):
                continue
            found = ask([*words[:i], substitute, *words[i + 1 :]])
            if closer(found, logits) > gain:
                best, best_logits, gain = substitute, found, closer(found, logits)
        words[i], logits = best, best_logits
        if gain and reached(logits):
            return words, True, queries
    return words, False, queries
