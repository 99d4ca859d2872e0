"""Feature squeezing (Xu et al. 2018; Sapkal and Savalia 2025, eq. 16): a defence is a classifier around another."""

from typing import TypeVar, overload

import torch
from torch import Tensor

from xmlcore.data.batches import TrueLabels
from xmlcore.models.base import Classifier, TokenClassifier, with_embeddings
from xmlcore.models.bounds import LogitBounds
from xmlcore.models.token_rows import SubstitutedRows, TokenRows
from xmlcore.models.wrapped import Wrapped

LEAST = 1e-30  # range of vectors that are alike, which then stay as they are

Rows = TypeVar("Rows", TokenRows, SubstitutedRows)


def reduce_bits(x: Tensor, bits: int) -> Tensor:
    """Round `x` in [0, 1] to 2^bits levels (equation 16); the gradient passes straight through the rounding."""
    levels = 2**bits - 1
    return _straight_through(x, torch.round(x * levels) / levels)


def _straight_through(x: Tensor, value: Tensor) -> Tensor:
    """Return exactly `value`, with the gradient of `x`: values that tie must not differ by a rounding error."""
    return value.detach() + (x - x.detach())


class SqueezedEmbeddings(Wrapped):
    """Quantises embeddings over the range [low, high] of the model's own table; what lies outside is clipped to it.

    Equation 16 presupposes [0, 1], as for pixels; embeddings are mapped there and back. Where vectors lie side by side
    each has a range of its own, for one that is much larger would leave the others no levels. The straight-through
    gradient lets an attacker who knows of the squeezing aim through it.
    """

    def __init__(self, model: Classifier, bits: int) -> None:
        super().__init__(model)
        self.bits = bits
        table, widths = model.embedding_table.detach(), model.part_widths
        ends = [[end.item() for end in part.aminmax()] for part in table.split([*widths], 1)]
        columns = torch.tensor(widths, device=table.device)
        self.low, self.high, self.spread = (
            table.new_tensor(values).repeat_interleave(columns)  # (D,)
            for values in zip(*((low, high, max(high - low, LEAST)) for low, high in ends), strict=True)
        )

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        return self.model.score(self._squeeze(embeddings) * mask.unsqueeze(-1), mask)

    def score_rows(self, batch: TokenRows, probe: Tensor | None = None) -> Tensor:
        return self.model.score_rows(self._squeeze_rows(batch), probe)

    def precompute(self, rows: Tensor) -> Tensor:
        return self.model.precompute(self._squeeze_but_padding(rows))

    def score_substitutions(self, document: TokenRows, positions: Tensor, substitutes: Tensor) -> Tensor:
        return self.model.score_substitutions(document, positions, substitutes)

    def loss(self, batch: TokenRows, labels: TrueLabels, probe: Tensor | None = None) -> Tensor:
        return self.model.loss(self._squeeze_rows(batch), labels, probe)

    def bounds(self, batch: SubstitutedRows, radius: float = 1.0, share: float = 1.0) -> LogitBounds | None:
        return self.model.bounds(self._squeeze_rows(batch), radius, share)

    def _squeeze_rows(self, batch: Rows) -> Rows:
        return batch._replace(rows=self._squeeze_but_padding(batch.rows))

    def _squeeze_but_padding(self, rows: Tensor) -> Tensor:
        real = torch.arange(len(rows), device=rows.device) > 0
        return self._squeeze(rows) * real.unsqueeze(-1)

    def _squeeze(self, embeddings: Tensor) -> Tensor:
        clipped = _straight_through(embeddings, embeddings.clamp(self.low, self.high))
        return reduce_bits((clipped - self.low) / self.spread, self.bits) * self.spread + self.low


class SqueezedOutputs(Wrapped):
    """Quantises the probabilities. Many labels then share a level, and their order among themselves is lost."""

    def __init__(self, model: Classifier, bits: int) -> None:
        super().__init__(model)
        self.bits = bits

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        return squeeze_logits(self.model.score(embeddings, mask), self.bits)

    def score_rows(self, batch: TokenRows, probe: Tensor | None = None) -> Tensor:
        return squeeze_logits(self.model.score_rows(batch, probe), self.bits)

    def precompute(self, rows: Tensor) -> Tensor:
        return self.model.precompute(rows)

    def score_substitutions(self, document: TokenRows, positions: Tensor, substitutes: Tensor) -> Tensor:
        return squeeze_logits(self.model.score_substitutions(document, positions, substitutes), self.bits)


def squeeze_logits(logits: Tensor, bits: int) -> Tensor:
    """Return the logits of probabilities reduced to `bits`, finite ones: 0 and 1 become half a level from the end."""
    half_level = 0.5 / (2**bits - 1)
    squeezed = torch.logit(reduce_bits(torch.sigmoid(logits), bits), eps=half_level)
    return _straight_through(logits, squeezed)


@overload
def squeeze(model: Classifier, where: str, bits: int) -> Classifier: ...


@overload
def squeeze(model: TokenClassifier, where: str, bits: int) -> TokenClassifier: ...


def squeeze(model: TokenClassifier, where: str, bits: int) -> TokenClassifier:
    """Return `model` behind feature squeezing of its `embeddings`, its `outputs`, `both` or `none`, as `where` says.

    Raises `UserError` where a model without embeddings shall be squeezed.
    """
    if where == "none":
        return model
    squeezed = with_embeddings(model, f"squeeze: {where}")
    if where in ("embeddings", "both"):
        squeezed = SqueezedEmbeddings(squeezed, bits)
    if where in ("outputs", "both"):
        squeezed = SqueezedOutputs(squeezed, bits)
    return squeezed
