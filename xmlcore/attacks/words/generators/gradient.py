"""The words that a model likes best in a place, by its own weights. White box, the bound of the others."""

from collections.abc import Sequence

import torch
from torch import Tensor

from xmlcore.attacks.words.generators.base import Request
from xmlcore.attacks.words.victim import Victim


class Gradient:
    """Of all words of the victim's vocabulary those that raise what is wanted most, whatever they mean.

    A network says so by its gradient at the word (HotFlip, Ebrahimi et al. 2018), a linear classifier exactly.
    """

    def __init__(self, victim: Victim) -> None:
        self._victim = victim
        words = victim.single_token_words()
        self._words = [word for word, _ in words]
        self._ids = [i for _, i in words]

    def propose(self, requests: Sequence[Request], count: int) -> list[list[str]]:
        """Return words by their use at a word: of a network a pass forward and back, not counted as queries."""
        preferences = torch.stack([self._preferences(request) for request in requests])[:, self._ids]
        best = preferences.topk(min(count, len(self._words))).indices
        return [[self._words[i] for i in row] for row in best.tolist()]

    def _preferences(self, request: Request) -> Tensor:
        """Return (V,) how much each token serves the target at the first token of the word."""
        victim, target = self._victim, request.target
        place = sum(len(victim.tokens_of(word)) for word in request.words[: request.position])
        return victim.model.preferences(
            torch.from_numpy(victim.tokens(request.words)),
            place,
            target.labels,
            lambda scores: target.direction * victim.scores_of(scores).sum(-1),
        )
