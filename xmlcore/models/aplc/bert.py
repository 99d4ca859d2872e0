"""Adaptive probabilistic label clusters (`xmlcore.models.aplc.base`) on `transformers.BertModel` (Devlin et al. 2019).

A document stands between [CLS] and [SEP]; it is read from the mean of all their states, which serves models trained
for whole sentences and those trained to fill masks alike (Reimers and Gurevych 2019).
"""

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.nn import functional

from xmlcore.common.errors import UserError
from xmlcore.config.architectures import BERTShape
from xmlcore.data.dataset import Split
from xmlcore.data.pretrained import BERT
from xmlcore.models.aplc.base import APLC
from xmlcore.models.base import Distinct

if TYPE_CHECKING:
    from transformers import BertConfig, BertModel


class APLCBERT(APLC):
    family = BERT
    shape: BERTShape

    def make_body(self, dropout: float) -> "BertModel":
        from transformers import BertModel

        dropouts = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        config = cast("BertConfig", self.family.config(self.shape, vocab_size=1, **dropouts))
        body = BertModel(config, add_pooling_layer=False)
        del body.embeddings.word_embeddings
        return body

    def prepare(self, split: Split, seed: int, distinct: Distinct | None = None) -> None:
        """Rank the labels by their frequency in `split`.

        Raises `UserError` for documents of more tokens than the body has positions for, before anything is learned.
        """
        self._check_length(int(split.lengths.max()))
        super().prepare(split, seed, distinct)

    def read(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Return the mean (B, D) of the body's states of each document. Raises `UserError` as `prepare` does."""
        self._check_length(mask.shape[1])
        separator, beginning = self.special
        lengths = mask.sum(1, keepdim=True)
        places = torch.arange(mask.shape[1] + 2, device=mask.device)
        enclosed = functional.pad(embeddings, (0, 0, 1, 1))
        enclosed = torch.where((places == lengths + 1).unsqueeze(-1), separator, enclosed)
        enclosed = torch.where((places == 0)[:, None], beginning, enclosed)
        present = (places <= lengths + 1).to(embeddings)
        states = self.body(inputs_embeds=enclosed, attention_mask=present).last_hidden_state
        return (states * present.unsqueeze(-1)).sum(1) / present.sum(1, keepdim=True)

    def _check_length(self, tokens: int) -> None:
        longest = self.shape.positions - 2
        if tokens > longest:
            raise UserError(
                f"encode.max_tokens: a document of {tokens} tokens for a BERT that reads {longest}; "
                f"give at most {longest}"
            )
