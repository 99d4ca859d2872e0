"""APLC-XLNet (Ye et al. 2020): `xmlcore.models.aplc.base` on `transformers.XLNetModel` (Yang et al. 2019).

A document stands at the right end, where XLNet wants it, before <sep> and <cls>; it is read from the state of <cls>.
"""

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from xmlcore.data.pretrained import XLNET
from xmlcore.models.aplc.base import APLC

if TYPE_CHECKING:
    from transformers import XLNetConfig, XLNetModel

CLS_SEGMENT = 2  # as XLNet's tokenizer numbers it; all before it is segment 0


class APLCXLNet(APLC):
    family = XLNET

    def make_body(self, dropout: float) -> "XLNetModel":
        """Return a random body without embeddings of words, nor of the masked word, which fine-tuning does not read."""
        from transformers import XLNetModel

        no_tokens = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"))
        config = self.family.config(self.shape, vocab_size=1, dropout=dropout, **no_tokens)
        body = XLNetModel(cast("XLNetConfig", config))
        del body.word_embedding, body.mask_emb
        return body

    def read(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        positions = torch.arange(mask.shape[1], device=mask.device)
        moved = (positions + mask.sum(1, keepdim=True)) % mask.shape[1]  # padding first
        rolled = embeddings.gather(1, moved.unsqueeze(-1).expand_as(embeddings))
        ending = self.special.expand(len(mask), -1, -1)
        present = torch.cat([mask.gather(1, moved), mask.new_ones(len(mask), 2)], dim=1)
        segments = torch.zeros_like(present, dtype=torch.long)
        segments[:, -1] = CLS_SEGMENT
        states = self.body(
            inputs_embeds=torch.cat([rolled, ending], dim=1),
            attention_mask=present.to(embeddings),
            token_type_ids=segments,
            use_mems=False,
        ).last_hidden_state
        return states[:, -1]
