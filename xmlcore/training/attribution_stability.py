"""Training for explanations that an attack does not change, without a second derivative.

What a set of words adds to the logit of a label, the logit of the document minus that of the document with the set
hidden, is what LIME and SHAP are made of. The penalty is the square of how much FGSM's step changes it, for one random
set a document. It takes forward passes alone, and so works for every model; penalties on gradients (Ross and
Doshi-Velez 2018, Chen et al. 2019) need the derivative of a derivative.
"""

import torch
from torch import Tensor

from xmlcore.common.device import to_device
from xmlcore.data.batches import TrueLabels
from xmlcore.data.tokens import UNK
from xmlcore.models.base import Classifier


def attribution_change(model: Classifier, embeddings: Tensor, mask: Tensor, step: Tensor, labels: TrueLabels) -> Tensor:
    """Return the penalty, summed over documents and true labels; its gradient reaches parameters and `embeddings`.

    `embeddings` (B, T, D) are those of the documents, `mask` (B, T) is true at real tokens, `step` (B, T, D) is the
    attack. From none to all of the words are hidden, every number as likely as another; a hidden word is replaced by
    the unknown one, attacked or not.
    """
    hidden = to_device(torch.rand(mask.shape) < torch.rand(len(mask), 1), mask.device) & mask
    unknown = model.embedding_table[UNK].detach()
    texts = [embeddings, torch.where(hidden.unsqueeze(-1), unknown, embeddings)]
    texts += [texts[0] + step, texts[1] + step * ~hidden.unsqueeze(-1)]
    logits = model.score(torch.cat(texts), mask.repeat(4, 1))
    there = labels.ids >= 0
    whole, rest, whole_moved, rest_moved = (each.gather(1, labels.ids.clamp(min=0)) for each in logits.chunk(4))
    change = (whole - rest) - (whole_moved - rest_moved)
    return (change.square() * there).sum()
