"""Predictions and the FGSM sweep, streamed in batches: of a document its top k is kept, never all its scores."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from xmlcore.attacks.fgsm import gradient_sign, perturb
from xmlcore.batching import batches, multi_hot, pad
from xmlcore.defenses import squeeze, squeeze_logits
from xmlcore.encoding import Split
from xmlcore.metrics import TOP, hits, ranking_metrics, robustness_gap
from xmlcore.models import Classifier
from xmlcore.params import Squeeze
from xmlcore.text import PAD

BATCH_SIZE = 64
ATTACKERS = ("unaware", "aware")
Track = Callable[..., Iterable[np.ndarray]]


def untracked(items: Iterable[np.ndarray], description: str, total: int | None = None) -> Iterable[np.ndarray]:
    return items


@torch.inference_mode()
def predict(
    model: Classifier, split: Split, k: int, track: Track = untracked, batch_size: int = BATCH_SIZE
) -> tuple[np.ndarray, np.ndarray]:
    """The `k` best labels (N, k) int32 of each document and their probabilities (N, k) float32, best first."""
    model.eval()
    k = min(k, model.labels)
    labels = np.empty((len(split), k), np.int32)
    scores = np.empty((len(split), k), np.float32)
    total = -(-len(split) // batch_size)
    for documents in track(batches(split.lengths, batch_size), "predict", total=total):
        best = model(pad([split.document(i) for i in documents])).topk(k)
        labels[documents], scores[documents] = best.indices, best.values.sigmoid()
    return labels, scores


@dataclass(frozen=True)
class Setting:
    """One condition of the sweep: where the defence squeezes, and whether the attacker aims through it."""

    squeeze: str
    attacker: str  # "aware" takes the gradient of the squeezed model, "unaware" that of the bare one


@dataclass(frozen=True)
class Attacked:
    """Metrics of one setting at one epsilon. `tied`: share of documents with equal scores among the best `TOP` + 1."""

    setting: Setting
    epsilon: float
    metrics: dict[str, float]
    tied: float

    def row(self) -> dict[str, float | str]:
        """The object of plots/.../squeezing.json."""
        return {"epsilon": self.epsilon, **asdict(self.setting), **self.metrics, "tied": self.tied}


def squeezing_settings(defended: Setting) -> list[Setting]:
    """The ablation: no squeezing, and each squeezing against both attackers; `defended` is among them."""
    squeezed = [Setting(where, attacker) for where in ("embeddings", "outputs", "both") for attacker in ATTACKERS]
    return [*dict.fromkeys([defended, Setting("none", "aware"), *squeezed])]


def fgsm_sweep(
    model: Classifier,
    split: Split,
    epsilons: list[float],
    settings: list[Setting],
    bits: int,
    perturb_padding_to: int | None = None,
    track: Track = untracked,
    batch_size: int = BATCH_SIZE,
) -> list[Attacked]:
    """Every setting at every epsilon in one pass over `split`; an epsilon costs a forward pass and no gradient.

    The gaps (equation 17) are taken from the same setting at epsilon 0. With `perturb_padding_to` every document is
    padded to that many tokens, and the padding is convolved, pooled and attacked like text, as in seed 000's code.
    """
    model.eval()
    epsilons = [0.0, *(epsilon for epsilon in epsilons if epsilon)]
    k = min(TOP, model.labels)
    found = {(setting, epsilon): np.zeros((len(split), TOP), bool) for setting in settings for epsilon in epsilons}
    tied = dict.fromkeys(found, 0)
    total = -(-len(split) // batch_size)
    for documents in track(batches(split.lengths, batch_size), "fgsm", total=total):
        tokens = pad([split.document(i) for i in documents], perturb_padding_to)
        mask = torch.ones_like(tokens, dtype=torch.bool) if perturb_padding_to else tokens != PAD
        attack = _BatchAttack(model, tokens, mask, multi_hot(split, documents, model.labels), bits)
        for setting, epsilon in found:
            best = attack.logits(setting, epsilon).topk(min(k + 1, model.labels))
            found[setting, epsilon][documents, :k] = hits(best.indices[:, :k].numpy(), split, documents)
            tied[setting, epsilon] += int((best.values.diff(dim=1) == 0).any(dim=1).sum())
    label_counts = np.diff(split.label_offsets)
    results = []
    for setting in settings:
        clean = ranking_metrics(found[setting, 0.0], label_counts)
        for epsilon in epsilons:
            attacked = ranking_metrics(found[setting, epsilon], label_counts)
            metrics = attacked | robustness_gap(clean, attacked)
            results.append(Attacked(setting, epsilon, metrics, tied[setting, epsilon] / len(split)))
    return results


class _BatchAttack:
    """One batch under every setting; gradients and forward passes that settings have in common are made once."""

    def __init__(self, model: Classifier, tokens: Tensor, mask: Tensor, targets: Tensor, bits: int) -> None:
        self._models = {where: squeeze(model, where, bits) for where in get_args(Squeeze)}
        with torch.no_grad():
            self._embeddings = model.embed(tokens)
        self._mask, self._targets, self._bits = mask, targets, bits
        self._signs: dict[str, Tensor] = {}
        self._unsqueezed: dict[tuple[str, str, float], Tensor] = {}

    def logits(self, setting: Setting, epsilon: float) -> Tensor:
        """(B, L) logits of the attacked batch, as the defence of `setting` gives them."""
        aimed_at = setting.squeeze if setting.attacker == "aware" else "none"
        inner = "embeddings" if setting.squeeze in ("embeddings", "both") else "none"
        key = (aimed_at if epsilon else "none", inner, epsilon)
        if key not in self._unsqueezed:
            with torch.no_grad():
                attacked = perturb(self._embeddings, self._mask, self._sign(aimed_at), epsilon)
                self._unsqueezed[key] = self._models[inner].score(attacked, self._mask)
        logits = self._unsqueezed[key]
        return squeeze_logits(logits, self._bits) if setting.squeeze in ("outputs", "both") else logits

    def _sign(self, aimed_at: str) -> Tensor:
        if aimed_at not in self._signs:
            self._signs[aimed_at] = gradient_sign(self._models[aimed_at], self._embeddings, self._mask, self._targets)
        return self._signs[aimed_at]
