"""Adaptive probabilistic label clusters (`xmlcore.models.aplc.base`) on a BERT (`xmlcore.data.bert_bodies`)."""

from typing import TYPE_CHECKING

from torch import Tensor

from xmlcore.config.architectures import BERTShape
from xmlcore.data.bert_bodies import check_length, make_body, mean_state
from xmlcore.data.dataset import Split
from xmlcore.data.pretrained import BERT
from xmlcore.models.aplc.base import APLC
from xmlcore.models.base import Distinct

if TYPE_CHECKING:
    from transformers import BertModel


class APLCBERT(APLC):
    family = BERT
    shape: BERTShape

    def make_body(self, dropout: float) -> "BertModel":
        return make_body(self.shape, dropout)

    def prepare(self, split: Split, seed: int, distinct: Distinct | None = None) -> None:
        """Rank the labels by their frequency in `split`.

        Raises `UserError` for documents of more tokens than the body has positions for, before anything is learned.
        """
        check_length(self.shape, int(split.lengths.max()))
        super().prepare(split, seed, distinct)

    def read(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Return the mean (B, D) of the body's states of each document. Raises `UserError` as `prepare` does."""
        check_length(self.shape, mask.shape[1])
        return mean_state(self.body, self.special, embeddings, mask)
