"""HotFlip (Ebrahimi et al. 2018): words by the first-order change of the scores. White box, the bound of the others."""

from collections.abc import Sequence

import torch

from xmlcore.attacks.words.generators.base import Request
from xmlcore.attacks.words.victim import Victim
from xmlcore.data.batches import pad


class Gradient:
    """Of all words of the victim's vocabulary those that its gradient at the word likes best, whatever they mean."""

    def __init__(self, victim: Victim) -> None:
        self._victim = victim
        words = victim.single_token_words()
        self._words = [word for word, _ in words]
        self._table = victim.model.embedding_table.detach()[[i for _, i in words]]

    def propose(self, requests: Sequence[Request], count: int) -> list[list[str]]:
        """Return words by the gradient at a word: a pass forward and back of its document, not counted as queries."""
        gradients = torch.cat([self._gradient(request) for request in requests])
        best = (gradients @ self._table.T).topk(min(count, len(self._words))).indices
        return [[self._words[i] for i in row] for row in best.tolist()]

    def _gradient(self, request: Request) -> torch.Tensor:
        """Return the wanted change (1, D) of the target's scores at the first token of the word."""
        model = self._victim.model
        batch = model.distinct(pad([self._victim.tokens(request.words)]))
        rows = batch.rows.detach()
        probe = rows.new_zeros(*batch.row_of.shape, rows.shape[1], requires_grad=True)
        logits = model.score_rows(batch._replace(rows=rows), probe)[0, list(request.target.labels)]
        (gradient,) = torch.autograd.grad(request.target.direction * self._victim.scores_of(logits).sum(), probe)
        place = sum(len(self._victim.tokens_of(word)) for word in request.words[: request.position])
        return gradient[:, place]
