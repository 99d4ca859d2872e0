"""What a model makes of each token alone, kept for the tokens that come again."""

from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from xmlcore.common.device import to_device
from xmlcore.data.tokens import PAD
from xmlcore.models.token_rows import TokenRows

if TYPE_CHECKING:
    from xmlcore.models.base import Classifier

BLOCK = 64  # tokens whose rows are computed together
NUMBERS = 2**26  # that are kept: 256 MB


class PrecomputedRows:
    """The rows of a model for `Classifier.score_substitutions`, computed a block of the vocabulary at a time.

    A row is that of its block, whatever else is asked, so that its last bits do not depend on what was asked before.
    The weights of the model must not change meanwhile.
    """

    def __init__(self, model: "Classifier") -> None:
        self._model = model
        width = model.precompute(model.embedding_table[:1]).shape[1]
        self._block = lru_cache(maxsize=max(1, NUMBERS // (BLOCK * width)))(self._compute)

    def score_substitutes(self, tokens: Tensor, positions: Tensor, substitutes: Tensor) -> Tensor:
        """Return the scores that `TokenClassifier.score_substitutes` does."""
        batch = self.distinct(torch.cat([tokens, substitutes]))
        document, substituted = batch.row_of.split([len(tokens), len(substitutes)])
        places = to_device(positions, self._model.device)
        return self._model.score_substitutions(batch._replace(row_of=document), places, substituted)

    @torch.inference_mode()
    def distinct(self, tokens: Tensor) -> TokenRows:
        """Return `tokens` (T,) int64 with one row for each distinct token, and the padding's."""
        distinct, index = functional.pad(tokens, (1, 0), value=PAD).unique(return_inverse=True)
        rows = [self._block(token // BLOCK)[token % BLOCK] for token in distinct.tolist()]
        return TokenRows(torch.stack(rows), to_device(index[1:], rows[0].device))

    def _compute(self, number: int) -> tuple[Tensor, ...]:
        """Return the rows, (E,) each, of the tokens of a block."""
        first = number * BLOCK
        tokens = torch.arange(first, min(first + BLOCK, len(self._model.embedding_table)))
        batch = self._model.distinct(tokens[None])
        return self._model.precompute(batch.rows)[batch.row_of[0]].unbind()
