"""P@k when every word may become any of its substitutes: clean, under an attack, and certified.

What is certified no attack can take, and what an attack takes no certificate can hold: the truth lies between the two.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor

from xmlcore.attacks.embeddings.objectives import Objective, margin, top_margin
from xmlcore.attacks.words.every_word import substitute_every_word, substitute_every_word_by_scores
from xmlcore.common.distributed import map_shared
from xmlcore.data.batches import batches, pad, true_labels
from xmlcore.data.dataset import Split
from xmlcore.data.tokens import PAD
from xmlcore.evaluation.results import Certification
from xmlcore.models.base import Classifier, TokenClassifier
from xmlcore.ranking.certificates import certified_hits
from xmlcore.ranking.metrics import KS, TOP, hits, mean_precision
from xmlcore.ranking.predictions import Track, untracked

BATCH_SIZE = 32
OBJECTIVES = (margin, top_margin)  # of P@1, and of P@5


def certification(
    model: TokenClassifier,
    split: Split,
    substitutes: Tensor,
    *,
    steps: int,
    max_change: float,
    track: Track = untracked,
) -> Certification:
    """Return the figures of `model` on `split`, whose tokens may become `substitutes` (V, K), each itself first.

    What is certified holds whatever is substituted, or whatever for at most `max_change` of a document's words.
    """
    model.eval()
    together = [*batches(split.lengths, BATCH_SIZE)]

    def attack(documents: np.ndarray) -> np.ndarray:
        return _attacked_hits(model, split, documents, substitutes, steps)

    found = map_shared(attack, track(together, "substitute every word", total=len(together)))
    clean, attacked = np.concatenate(found, 1)[:, np.argsort(np.concatenate(together))]
    certified, few = (certified_hits(model, split, substitutes, share, track) for share in (1.0, max_change))
    sizes = (substitutes != substitutes[:, :1]).sum(1).numpy()
    return {
        "documents": len(split),
        "substitutes": float(sizes[split.tokens].mean()),
        "clean": mean_precision(clean),
        "attacked": mean_precision(attacked),
        "certified": None if certified is None else mean_precision(certified),
        "certified_few": None if few is None else mean_precision(few),
        "max_change": max_change,
        "violations": 0 if certified is None else int((certified > attacked).any(1).sum()),
    }


def _attacked_hits(
    model: TokenClassifier, split: Split, documents: np.ndarray, substitutes: Tensor, steps: int
) -> np.ndarray:
    """Return (2, B, len(KS)) how many of the best k labels are true, of the `documents` and of them attacked."""
    tokens, labels = pad([split.document(i) for i in documents]), true_labels(split, documents).to(model.device)
    attack, found = _attack(model, tokens, substitutes, labels.targets(labels.ids, model.labels), steps), []
    for objective in OBJECTIVES:
        for logits in attack(objective):
            best = logits.topk(min(TOP, model.labels)).indices.cpu().numpy()
            right = hits(best, split, documents)
            found.append(np.stack([right[:, :k].sum(1) for k in KS], 1))
    return np.stack([found[0], np.minimum.reduce(found)])


def _attack(
    model: TokenClassifier, tokens: Tensor, substitutes: Tensor, targets: Tensor, steps: int
) -> Callable[[Objective], Iterator[Tensor]]:
    """Return what yields the scores (B, L) of `tokens` (B, T) as they are, and after each of `steps` up an objective.

    It is by gradients, if `model` has any.
    """
    if isinstance(model, Classifier):
        with torch.no_grad():
            batch = model.distinct_with_substitutes(tokens, substitutes)
        return lambda objective: (
            each.logits for each in substitute_every_word(model, batch, targets, objective=objective, steps=steps)
        )
    documents = [(document[document != PAD], target[None]) for document, target in zip(tokens, targets, strict=True)]
    by_scores = partial(substitute_every_word_by_scores, model, substitutes=substitutes, steps=steps)
    return lambda objective: map(
        torch.cat,
        zip(*(by_scores(each, targets=target, objective=objective) for each, target in documents), strict=True),
    )
