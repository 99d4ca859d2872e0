"""The FGSM sweep, in batches: all that is kept of a document is which of its best labels are right, and ties."""

from dataclasses import asdict, dataclass
from typing import get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from xmlcore.attacks.embeddings.fgsm import adaptive_epsilon, gradient_sign
from xmlcore.common.distributed import add_up, share
from xmlcore.config.params import Squeeze
from xmlcore.data.batches import TrueLabels, batches, pad, true_labels
from xmlcore.data.dataset import Split
from xmlcore.defenses.squeezing import squeeze, squeeze_logits
from xmlcore.models.base import Classifier
from xmlcore.ranking.metrics import TOP, hits, ranking_metrics, robustness_gap
from xmlcore.ranking.predictions import BATCH_SIZE, Track, untracked

ATTACKERS = ("unaware", "aware")


@dataclass(frozen=True)
class Setting:
    """One condition of the sweep: where the defence squeezes, and whether the attacker aims through it."""

    squeeze: str
    attacker: str  # "unaware" takes the gradient of the bare model, "aware" also that of the squeezed one


@dataclass(frozen=True)
class Attacked:
    """Metrics of one setting at one epsilon. `tied`: share of documents with equal scores among the best `TOP` + 1."""

    setting: Setting
    epsilon: float
    metrics: dict[str, float]
    tied: float

    def row(self) -> dict[str, float | str]:
        """Return the object that stands for this in plots/.../squeezing.json."""
        return {"epsilon": self.epsilon, **asdict(self.setting), **self.metrics, "tied": self.tied}


def squeezing_settings(defended: Setting) -> list[Setting]:
    """Return the ablation's settings: no squeezing, and each squeezing against both attackers; `defended` is one."""
    squeezed = [Setting(where, attacker) for where in ("embeddings", "outputs", "both") for attacker in ATTACKERS]
    return [*dict.fromkeys([defended, Setting("none", "aware"), *squeezed])]


def fgsm_sweep(
    model: Classifier,
    split: Split,
    *,
    epsilons: list[float],
    settings: list[Setting],
    bits: int,
    track: Track = untracked,
    batch_size: int = BATCH_SIZE,
) -> list[Attacked]:
    """Attack `split` in every setting at every epsilon in one pass; an epsilon costs a forward pass and no gradient.

    The gaps (equation 17) are taken from the same setting at epsilon 0.
    """
    model.eval()
    epsilons = [0.0, *(epsilon for epsilon in epsilons if epsilon)]
    k = min(TOP, model.labels)
    found = {(setting, epsilon): np.zeros((len(split), TOP), bool) for setting in settings for epsilon in epsilons}
    tied = {key: np.zeros(len(split), bool) for key in found}
    models = {where: squeeze(model, where, bits) for where in get_args(Squeeze)}
    total = -(-len(split) // batch_size)
    for documents in share(track(batches(split.lengths, batch_size), "fgsm", total=total)):
        tokens = pad([split.document(i) for i in documents])
        labels = true_labels(split, documents).to(model.device)
        attack = _BatchAttack(models, tokens, labels, epsilons=epsilons, bits=bits)
        for setting in settings:
            for epsilon, logits in zip(epsilons, attack.logits(setting), strict=True):
                best = logits.topk(min(k + 1, model.labels))
                found[setting, epsilon][documents, :k] = hits(best.indices[:, :k].cpu().numpy(), split, documents)
                tied[setting, epsilon][documents] = (best.values.diff(dim=1) == 0).any(dim=1).cpu().numpy()
    for array in (*found.values(), *tied.values()):
        add_up(array)
    label_counts = np.diff(split.label_offsets)
    results = []
    for setting in settings:
        clean = ranking_metrics(found[setting, 0.0], label_counts)
        for epsilon in epsilons:
            attacked = ranking_metrics(found[setting, epsilon], label_counts)
            metrics = attacked | robustness_gap(clean, attacked)
            results.append(Attacked(setting, epsilon, metrics, float(tied[setting, epsilon].mean())))
    return results


class _BatchAttack:
    """One batch under every setting; gradients and forward passes that settings have in common are made once."""

    def __init__(
        self,
        models: dict[str, Classifier],
        tokens: Tensor,
        labels: TrueLabels,
        *,
        epsilons: list[float],
        bits: int,
    ) -> None:
        """Embed `tokens` (B, T), whose true labels are `labels`; `models` are the model behind each squeezing."""
        self._models = models
        with torch.no_grad():
            self._batch = models["none"].distinct(tokens)
        self._labels, self._bits = labels, bits
        self._steps = [float(adaptive_epsilon(self._batch, epsilon)) for epsilon in epsilons]
        self._signs: dict[str, Tensor] = {}
        self._unsqueezed: dict[tuple[str, str], list[Tensor]] = {}

    def logits(self, setting: Setting) -> list[Tensor]:
        """Return the logits (B, L) of the attacked batch at each epsilon, as the defence of `setting` gives them.

        An attacker who knows of the defence may also ignore it, and keeps for each document what hurts more: a gradient
        through saturated outputs is a worse guide than that of the bare model (Athalye et al. 2018).
        """
        logits = self._attacked("none", setting)
        if setting.attacker == "unaware" or setting.squeeze == "none":
            return logits
        return [self._worse(*pair) for pair in zip(logits, self._attacked(setting.squeeze, setting), strict=True)]

    def _attacked(self, aimed_at: str, setting: Setting) -> list[Tensor]:
        inner = "embeddings" if setting.squeeze in ("embeddings", "both") else "none"
        if (aimed_at, inner) not in self._unsqueezed:
            with torch.no_grad():
                self._unsqueezed[aimed_at, inner] = self._models[inner].score_steps(
                    self._batch, self._sign(aimed_at), self._steps
                )
        logits = self._unsqueezed[aimed_at, inner]
        return [squeeze_logits(x, self._bits) for x in logits] if setting.squeeze in ("outputs", "both") else logits

    def _worse(self, first: Tensor, second: Tensor) -> Tensor:
        """Return for each document the logits (L,) with the higher loss."""
        targets = self._labels.targets(self._labels.ids, first.shape[1])
        losses = [
            functional.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(1)
            for logits in (first, second)
        ]
        return torch.where((losses[1] > losses[0]).unsqueeze(1), second, first)

    def _sign(self, aimed_at: str) -> Tensor:
        if aimed_at not in self._signs:
            self._signs[aimed_at] = gradient_sign(self._models[aimed_at], self._batch, self._labels)
        return self._signs[aimed_at]
