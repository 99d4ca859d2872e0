"""A BERT of `transformers` (Devlin et al. 2019) that is given embeddings, and read from the mean of its states.

A document stands between [CLS] and [SEP]. The mean of all states serves models trained for whole sentences and those
trained to fill masks alike (Reimers and Gurevych 2019).
"""

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmlcore.common.errors import UserError
from xmlcore.config.architectures import BERTShape
from xmlcore.data.pretrained import BERT, load_body

if TYPE_CHECKING:
    from transformers import BertConfig, BertModel


def make_body(shape: BERTShape, dropout: float) -> "BertModel":
    """Return a BERT of `shape` with random weights, without its embeddings of words."""
    from transformers import BertModel

    dropouts = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    body = BertModel(cast("BertConfig", BERT.config(shape, vocab_size=1, **dropouts)), add_pooling_layer=False)
    del body.embeddings.word_embeddings
    return body


def frozen_body(checkpoint: str, layers: int) -> tuple[nn.Module, Tensor, BERTShape]:
    """Return the first `layers` layers of a checkpoint's body, which learn nothing, its special pieces, and its shape.

    Raises `UserError` where there is no such BERT, or it has fewer layers.
    """
    pretrained = load_body(checkpoint, BERT)
    whole = cast("BERTShape", pretrained.shape)
    if layers > whole.layers:
        raise UserError(f"layers: {layers}, where {checkpoint!r} has {whole.layers}; give at most as many")
    shape = whole.model_copy(update={"layers": layers})
    body = make_body(shape, dropout=0.0)
    body.load_state_dict({name: pretrained.state[name] for name in body.state_dict()})
    return body.eval().requires_grad_(False), pretrained.special, shape


def mean_state(body: nn.Module, special: Tensor, embeddings: Tensor, mask: Tensor) -> Tensor:
    """Return the mean (B, D) of the states of documents with `embeddings` (B, T, D), `mask` (B, T) at their tokens.

    `special` (2, D) are the embeddings of [SEP] and [CLS].
    """
    separator, beginning = special
    lengths = mask.sum(1, keepdim=True)
    places = torch.arange(mask.shape[1] + 2, device=mask.device)
    enclosed = functional.pad(embeddings, (0, 0, 1, 1))
    enclosed = torch.where((places == lengths + 1).unsqueeze(-1), separator, enclosed)
    enclosed = torch.where((places == 0)[:, None], beginning, enclosed)
    present = (places <= lengths + 1).to(embeddings)
    states = body(inputs_embeds=enclosed, attention_mask=present).last_hidden_state
    return (states * present.unsqueeze(-1)).sum(1) / present.sum(1, keepdim=True)


def check_length(shape: BERTShape, tokens: int) -> None:
    """Raise `UserError` for a document of more `tokens` than a BERT of `shape` has positions for."""
    longest = shape.positions - 2
    if tokens > longest:
        raise UserError(
            f"encode.max_tokens: a document of {tokens} tokens for a BERT that reads {longest}; give at most {longest}"
        )
