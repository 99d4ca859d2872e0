"""Greedy substitution of important words (Qaraei and Babbar, section 3 and Algorithm 1), many documents in step.

A document's words are masked one by one to learn which matter (equations 3.1 to 3.3). Then, the most important first,
each is replaced by the substitute that comes closest to the goal (equation 3.4), until the goal is reached or as many
words have been tried as may change. A word that no substitute improves on stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from xmlcore.attacks.words.generators.base import Generator, Request
from xmlcore.attacks.words.goals import Target
from xmlcore.attacks.words.victim import MASK, Judgement, Victim, is_substitutable
from xmlcore.data.tokens import fold
from xmlcore.models.token_rows import share_of


@dataclass(frozen=True)
class Change:
    position: int
    word: str
    substitute: str  # "" where the word is deleted


@dataclass
class Attack:
    """One document under attack, and in the end what came of it."""

    target: Target
    original: list[str]
    words: list[str] = field(default_factory=list)  # as they are now; a deleted word is ""
    changes: list[Change] = field(default_factory=list)
    ranks_before: list[int] = field(default_factory=list)
    ranks_after: list[int] = field(default_factory=list)
    clean: bool = True  # whether the victim was right before the attack; if not, there is none
    success: bool = False
    queries: int = 0

    @property
    def change_rate(self) -> float:
        """The share of the words that differ."""
        return len(self.changes) / max(len(self.original), 1)


def substitute_words(
    victim: Victim,
    generator: Generator,
    documents: Sequence[tuple[Target, Sequence[str]]],
    *,
    k: int,
    candidates: int,
    max_change: float,
) -> list[Attack]:
    """Attack each document, its words as `Victim.words` gives them, towards its target.

    At most floor(`max_change` x words) are tried, each with at most `candidates` substitutes. Stop words, and what is
    no word, are neither changed nor put in.
    """
    searches = [_Search(victim, target, list(words), k, max_change) for target, words in documents]
    while live := [search for search in searches if search.goes_on]:
        requests = [search.request() for search in live]
        for search, proposed in zip(live, generator.propose(requests, candidates), strict=True):
            search.try_substitutes(proposed)
    return [search.attack for search in searches]


class _Search:
    """Where the attack on one document has come to."""

    def __init__(self, victim: Victim, target: Target, words: list[str], k: int, max_change: float) -> None:
        self._victim, self._target, self._k = victim, target, k
        self.attack = Attack(target, words, list(words))
        before = victim.judge(words, target.labels)
        self.attack.queries = 1
        self._scores = before.scores[0]
        self.attack.ranks_before = self.attack.ranks_after = before.ranks[0].tolist()
        self.attack.clean = target.untouched(before.ranks[0], k)
        self._left = self._by_importance()[: share_of(max_change, len(words))] if self.attack.clean else []

    @property
    def goes_on(self) -> bool:
        return bool(self._left) and not self.attack.success

    def request(self) -> Request:
        """Return the request for substitutes of the word that is next."""
        return Request(self.attack.words, self._left[0], self._target)

    def try_substitutes(self, proposed: Sequence[str]) -> None:
        """Put in the best of the `proposed` substitutes of the next word, if one is better than the word."""
        position = self._left.pop(0)
        word = self.attack.words[position]
        own = fold(word)
        substitutes = [
            each for each in dict.fromkeys(proposed) if not each or (is_substitutable(each) and fold(each) != own)
        ]
        if not substitutes:
            return
        judged = self._judge([position] * len(substitutes), substitutes)
        gains = self._target.gain(judged.scores, self._scores)
        best = int(gains.argmax())
        if gains[best] <= 0:
            return
        self.attack.words[position] = substitutes[best]
        self.attack.changes.append(Change(position, word, substitutes[best]))
        self._scores = judged.scores[best]
        self.attack.ranks_after = judged.ranks[best].tolist()
        self.attack.success = bool(self._target.reached(judged.ranks[best : best + 1], self._k)[0])

    def _by_importance(self) -> list[int]:
        """Return the positions that may change, the most important first."""
        positions = [i for i, word in enumerate(self.attack.words) if is_substitutable(word)]
        if not positions:
            return []
        masked = self._judge(positions, [MASK] * len(positions))
        order = np.argsort(-self._target.gain(masked.scores, self._scores), kind="stable")
        return [positions[i] for i in order]

    def _judge(self, positions: Sequence[int], substitutes: Sequence[str]) -> Judgement:
        self.attack.queries += len(positions)
        return self._victim.judge_substitutes(self.attack.words, positions, substitutes, self._target.labels)
