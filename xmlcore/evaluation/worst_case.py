"""P@1 under the worst that can be found for each document: attacks of several kinds in turn, each on what still stands.

The attacks are those of AutoAttack (Croce and Hein 2020) after two quick ones: PGD with automatic steps on the loss and
on the margin of labels, the nearest perturbation that fells a document, and a random search that sees no gradient, for
models whose gradients mislead. A document falls when its best label is wrong, and is then left alone.
"""

from collections.abc import Iterator, Sequence
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from xmlcore.attacks.embeddings.auto_pgd import auto_pgd
from xmlcore.attacks.embeddings.balls import LInfinity
from xmlcore.attacks.embeddings.documents import Documents, Iterate
from xmlcore.attacks.embeddings.fab import fab
from xmlcore.attacks.embeddings.fgsm import adaptive_epsilon, relative_size
from xmlcore.attacks.embeddings.objectives import cross_entropy, margin
from xmlcore.attacks.embeddings.pgd import pgd
from xmlcore.attacks.embeddings.square import square
from xmlcore.common.distributed import map_shared
from xmlcore.common.intervals import interval_of_share
from xmlcore.config.params import Cascade
from xmlcore.data.batches import batches, pad, true_labels
from xmlcore.data.dataset import Split
from xmlcore.evaluation.results import CascadeAttack, WorstCase
from xmlcore.models.base import Classifier
from xmlcore.ranking.predictions import Track, untracked

BATCH_SIZE = 32
QUICK = 5  # steps, before anything that takes more
ATTACKS: tuple[CascadeAttack, ...] = get_args(CascadeAttack)  # in their order


def worst_case(
    models: Sequence[Classifier],
    split: Split,
    *,
    epsilon: float,
    options: Cascade,
    seed: int,
    track: Track = untracked,
) -> WorstCase:
    """Attack documents of `split` at `epsilon`, `options.documents` in number and drawn by `seed`, until they fall.

    `models` are the one that is attacked, and others from whose gradients, too: where it wears a defence, that without.
    """
    drawn = np.random.default_rng(seed).permutation(len(split))[: options.documents]
    together = [drawn[places] for places in batches(split.lengths[drawn], BATCH_SIZE)]

    def attack(documents: np.ndarray) -> np.ndarray:
        generator = torch.Generator().manual_seed(seed + int(documents[0]))
        return _standing(models, split, documents, epsilon, options, generator)

    standing = np.concatenate(map_shared(attack, track(together, "worst case", total=len(together))), 1)
    return {
        "epsilon": epsilon,
        "relative_size": relative_size(epsilon, models[0].embedding_table.shape[1]),
        "documents": len(drawn),
        "P@1": dict(zip(("clean", *ATTACKS), standing.mean(1).tolist(), strict=True)),
        "worst": interval_of_share(int(standing[-1].sum()), len(drawn)),
    }


def _standing(
    models: Sequence[Classifier],
    split: Split,
    documents: np.ndarray,
    epsilon: float,
    options: Cascade,
    generator: torch.Generator,
) -> np.ndarray:
    """Return (1 + attacks, B) which of the `documents` (B,) still stand, untouched and after each attack in turn."""
    tokens, labels = pad([split.document(i) for i in documents]), true_labels(split, documents).to(models[0].device)
    targets = labels.targets(labels.ids, models[0].labels)
    with torch.no_grad():
        batch = models[0].distinct(tokens)
    ball = LInfinity(float(adaptive_epsilon(batch, epsilon)))
    everyone = Documents(models[0], batch.embeddings(), batch.mask, targets)
    untouched = everyone.moved(torch.zeros_like(everyone.embeddings), margin)
    standing = [_right(untouched.logits, targets)]
    for attack in ATTACKS:
        left = standing[-1].nonzero().flatten()
        for model in models:
            if len(left):
                survives = _survives(attack, everyone.of(left), model, ball, options, generator)
                left = left[survives]
        standing.append(torch.zeros_like(standing[0]).index_fill(0, left, True))
    return torch.stack(standing).cpu().numpy()


def _survives(
    attack: CascadeAttack,
    documents: Documents,
    source: Classifier,
    ball: LInfinity,
    options: Cascade,
    generator: torch.Generator,
) -> Tensor:
    """Return (B,) whether the best label of each of `documents` is true wherever `attack` on `source` leads."""
    right = documents.mask.new_ones(len(documents.mask))
    for each in _iterates(attack, documents._replace(model=source), ball, options, generator):
        elsewhere = source is not documents.model
        logits = documents.moved(each.perturbation, margin).logits if elsewhere else each.logits
        right &= _right(logits, documents.targets) | ~ball.contains(each.perturbation)
        if not right.any():
            break
    return right


def _iterates(
    attack: CascadeAttack, documents: Documents, ball: LInfinity, options: Cascade, generator: torch.Generator
) -> Iterator[Iterate]:
    if attack == "fgsm":
        return pgd(documents, ball=ball, objective=cross_entropy, steps=1, step_size=1.0)
    if attack == "pgd_margin":
        return pgd(documents, ball=ball, objective=margin, steps=QUICK, step_size=2 / QUICK)
    if attack == "apgd":
        return auto_pgd(documents, ball=ball, objective=cross_entropy, steps=options.steps)
    if attack == "apgd_margin":
        start = ball.noise(documents.mask, documents.embeddings.shape[2], generator)
        return auto_pgd(documents, ball=ball, objective=margin, steps=options.steps, start=start)
    if attack == "fab":
        return fab(documents, steps=options.steps)
    return square(documents, ball=ball, queries=options.queries, generator=generator)


def _right(logits: Tensor, targets: Tensor) -> Tensor:
    """Return (B,) whether the best of `logits` (B, L) is of a true label."""
    return targets.gather(1, logits.argmax(1, keepdim=True))[:, 0] > 0
