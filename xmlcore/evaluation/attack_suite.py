"""A model under attacks on its embeddings, weaker and stronger than FGSM; what counts is the worst for each document.

Every attack moves the embeddings of real tokens within a ball (`attacks.embeddings.balls`), all those of the same
documents, so that the figures compare. `xmlcore.evaluation.attack_checks` draws the conclusions.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from xmlcore.attacks.embeddings.balls import Ball, LInfinity, l2_of_equal_norm
from xmlcore.attacks.embeddings.documents import Documents, Iterate
from xmlcore.attacks.embeddings.fgsm import adaptive_epsilon, gradient_sign
from xmlcore.attacks.embeddings.objectives import Objective, cross_entropy, margin, top_margin
from xmlcore.attacks.embeddings.pgd import pgd, strongest
from xmlcore.common.distributed import map_shared
from xmlcore.config.params import Robustness
from xmlcore.data.batches import batches, pad, true_labels
from xmlcore.data.dataset import Split
from xmlcore.models.base import Classifier
from xmlcore.ranking.metrics import TOP, document_metrics, hits
from xmlcore.ranking.predictions import Track, untracked

BATCH_SIZE = 32
SWEPT: dict[str, Objective] = {"pgd": cross_entropy, "pgd_margin": margin}  # at every epsilon


class Models(NamedTuple):
    """Who is attacked, and from whose gradients."""

    defended: Classifier
    bare: Classifier | None  # without its defence, if it has one
    others: Sequence[Classifier]  # of the same recipe, trained in another way


class Attack(NamedTuple):
    """A point of a curve."""

    attack: str
    norm: str
    epsilon: float


@dataclass
class Findings:
    """The F figures `RANKING` of N documents, (N, F): under an attack, each is the worst found for its document."""

    clean: np.ndarray
    zero_gradients: np.ndarray  # (N,) whether the gradient is zero everywhere
    attacks: dict[Attack, np.ndarray] = field(default_factory=dict)
    steps: dict[int, np.ndarray] = field(default_factory=dict)  # of PGD, by how many it took
    restarts: dict[int, np.ndarray] = field(default_factory=dict)  # of PGD, by how often it began
    unaware: np.ndarray | None = None  # under PGD that ignores the defence

    @classmethod
    def joined(cls, parts: Sequence["Findings"]) -> "Findings":
        """Return the findings of all documents from `parts`, those of some documents each, under the same attacks."""

        def join(name: str) -> dict:
            return {
                key: np.concatenate([getattr(part, name)[key] for part in parts]) for key in getattr(parts[0], name)
            }

        unaware = [part.unaware for part in parts if part.unaware is not None]
        return cls(
            clean=np.concatenate([part.clean for part in parts]),
            zero_gradients=np.concatenate([part.zero_gradients for part in parts]),
            attacks=join("attacks"),
            steps=join("steps"),
            restarts=join("restarts"),
            unaware=np.concatenate(unaware) if unaware else None,
        )


def attack_embeddings(
    models: Models, split: Split, options: Robustness, seed: int, track: Track = untracked
) -> Findings:
    """Attack documents of `split`, `options.documents` in number and drawn by `seed`, and return what came of them.

    They are attacked by noise, FGSM and PGD at every epsilon, and in every way at `options.epsilon`.
    """
    drawn = np.random.default_rng(seed).permutation(len(split))[: options.documents]
    together = [drawn[places] for places in batches(split.lengths[drawn], BATCH_SIZE)]

    def attack(documents: np.ndarray) -> Findings:
        return _BatchAttack(models, split, documents, options, seed).findings()

    return Findings.joined(map_shared(attack, track(together, "attacks on embeddings", total=len(together))))


class _BatchAttack:
    def __init__(self, models: Models, split: Split, documents: np.ndarray, options: Robustness, seed: int) -> None:
        self._models, self._options = models, options
        self._split, self._documents = split, documents
        self._tokens = pad([split.document(i) for i in documents])
        self._labels = true_labels(split, documents).to(models.defended.device)
        self._targets = self._labels.targets(self._labels.ids, models.defended.labels)
        self._generator = torch.Generator().manual_seed(seed + int(documents[0]))
        with torch.no_grad():
            self._batch = models.defended.distinct(self._tokens)
            self._embeddings, self._mask = self._batch.embeddings(), self._batch.mask

    def findings(self) -> Findings:
        sign = gradient_sign(self._models.defended, self._batch, self._labels)
        found = Findings(self._outcome(torch.zeros_like(sign)), (sign == 0).flatten(1).all(1).cpu().numpy())
        for epsilon in self._options.epsilons:
            ball = LInfinity(self._radius(epsilon))
            draws = (self._noise(ball) for _ in range(self._options.noise))
            found.attacks[Attack("noise", "linf", epsilon)] = least(map(self._outcome, draws))
            found.attacks[Attack("fgsm", "linf", epsilon)] = self._outcome(ball.farthest(sign))
            for name, objective in SWEPT.items():
                found.attacks[Attack(name, "linf", epsilon)] = self._worst(self._pgd(ball, objective))
        self._attack_in_every_way(found)
        return found

    def _attack_in_every_way(self, found: Findings) -> None:
        options, epsilon = self._options, self._options.epsilon
        ball = LInfinity(self._radius(epsilon))
        found.attacks[Attack("pgd_top_k", "linf", epsilon)] = self._worst(self._pgd(ball, top_margin))
        equal = l2_of_equal_norm(ball.radius, self._mask, self._embeddings.shape[2])
        found.attacks[Attack("pgd", "l2", epsilon)] = self._worst(self._pgd(equal))
        if self._models.others:
            moved = (self._moved_against(other, ball) for other in self._models.others)
            found.attacks[Attack("transfer", "linf", epsilon)] = least(map(self._outcome, moved))
        if self._models.bare is not None:
            ignorant = self._pgd(ball, model=self._models.bare)
            found.unaware = least(self._outcome(each.perturbation) for each in ignorant)
        longer = [self._figures(each.logits) for each in self._pgd(ball, steps=2 * options.steps)]
        for count in (1, 5, options.steps, 2 * options.steps):
            found.steps[count] = least(longer[: count + 1])
        found.restarts[1] = found.attacks[Attack("pgd", "linf", epsilon)]
        for count in range(2, options.restarts + 1):
            elsewhere = self._worst(self._pgd(ball, start=self._noise(ball)))
            found.restarts[count] = least([found.restarts[count - 1], elsewhere])

    def _pgd(
        self,
        ball: Ball,
        objective: Objective = cross_entropy,
        *,
        model: Classifier | None = None,
        embeddings: Tensor | None = None,
        steps: int | None = None,
        start: Tensor | None = None,
    ) -> Iterator[Iterate]:
        whose = self._embeddings if embeddings is None else embeddings
        return pgd(
            Documents(model or self._models.defended, whose, self._mask, self._targets),
            ball=ball,
            objective=objective,
            steps=steps or self._options.steps,
            step_size=self._options.step_size,
            start=start,
        )

    def _moved_against(self, other: Classifier, ball: LInfinity) -> Tensor:
        """Return the perturbation (B, T, D) that harms `other` most, found on its embeddings and scaled to `ball`."""
        with torch.no_grad():
            batch = other.distinct(self._tokens)
        theirs = LInfinity(float(adaptive_epsilon(batch, self._options.epsilon)))
        moved = strongest(self._pgd(theirs, model=other, embeddings=batch.embeddings()))
        return moved * (ball.radius / theirs.radius)

    def _radius(self, epsilon: float) -> float:
        return float(adaptive_epsilon(self._batch, epsilon))

    def _noise(self, ball: Ball) -> Tensor:
        return ball.noise(self._mask, self._embeddings.shape[2], self._generator)

    def _worst(self, iterates: Iterable[Iterate]) -> np.ndarray:
        return least(self._figures(each.logits) for each in iterates)

    def _outcome(self, perturbation: Tensor) -> np.ndarray:
        with torch.no_grad():
            return self._figures(self._models.defended.score(self._embeddings + perturbation, self._mask))

    def _figures(self, logits: Tensor) -> np.ndarray:
        """Return the figures (B, F) of `logits` (B, L)."""
        best = logits.topk(min(TOP, logits.shape[1])).indices.cpu().numpy()
        right = np.zeros((len(best), TOP), bool)
        right[:, : best.shape[1]] = hits(best, self._split, self._documents)
        return document_metrics(right, np.diff(self._split.label_offsets)[self._documents])


def least(figures: Iterable[np.ndarray]) -> np.ndarray:
    """Return the worst, that is the least, of each figure of each document (N, F)."""
    return np.minimum.reduce([*figures])
