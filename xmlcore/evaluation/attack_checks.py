"""Whether a claim of robustness may be believed: checks that a weak or a wrong attack fails.

They are those of Athalye et al. (2018, "Obfuscated gradients give a false sense of security") and Carlini et al. (2019,
"On evaluating adversarial robustness"). Each is a boolean beside the figures it is drawn from. Noise and FGSM are
compared up to the epsilon of the claim: far beyond it one long step along a gradient leads anywhere. Over all
epsilons, PGD stands for the worst of its objectives: a higher cross-entropy need not move the best label.
"""

from itertools import pairwise
from math import floor
from typing import Any

from scipy.special import bdtrc

from xmlcore.evaluation.attack_suite import SWEPT, Findings, least
from xmlcore.ranking.metrics import RANKING

TOLERANCE = 0.01  # of P@1, or one document where that is more: by how much two searches may differ by chance
ROUNDING = 1e-9
LOSS = 0.03  # of P@1, which a check should find
BROKEN = 0.1  # share of the clean P@1 below which a model counts as broken
P_AT_1 = RANKING.index("P@1")

THREAT_MODEL = (
    "White box: the attacker knows model, labels and defence, and moves the embedding of every real token of a test "
    "document within an L-infinity ball of radius epsilon times a tenth of the mean embedding norm (L2: the ball "
    "around the document that passes through its corners). Noise and transfer know less."
)


def curves(findings: Findings) -> list[dict[str, Any]]:
    """Return the rows of plots/.../attacks.json: every attack at every epsilon it was tried at, with all figures."""
    return [
        attack._asdict() | dict(zip(RANKING, figures.mean(0).tolist(), strict=True))
        for attack, figures in findings.attacks.items()
    ]


def sanity(findings: Findings, epsilon: float) -> dict[str, Any]:
    """Return the content of sanity.json: P@1 at `epsilon` under each attack, and those of the checks that apply."""
    precision = {attack: _precision(figures) for attack, figures in findings.attacks.items()}
    clean = _precision(findings.clean)
    noise, fgsm = (_curve(findings, name) for name in ("noise", "fgsm"))
    pgd = _curve(findings, *SWEPT)
    within = [figures for attack, figures in findings.attacks.items() if attack[1:] == ("linf", epsilon)]
    at_epsilon = {
        attack.attack if attack.norm == "linf" else f"{attack.attack}_{attack.norm}": value
        for attack, value in precision.items()
        if attack.epsilon == epsilon
    }
    steps = {count: _precision(figures) for count, figures in findings.steps.items()}
    restarts = {count: _precision(figures) for count, figures in findings.restarts.items()}
    broken = [each for each, value in pgd.items() if value < BROKEN * clean]
    zero = float(findings.zero_gradients.mean())
    chance = max(TOLERANCE, 1 / len(findings.clean)) + ROUNDING
    checks = {
        "pgd_at_least_fgsm": all(pgd[each] <= fgsm[each] + ROUNDING for each in pgd),
        "steps_converge": _last_step(steps) <= chance,
        "success_grows_with_epsilon": all(high <= low + chance for low, high in pairwise(pgd.values())),
        "noise_weaker_than_fgsm": all(noise[each] >= fgsm[each] - ROUNDING for each in noise if each <= epsilon),
        "gradients_not_zero": zero <= TOLERANCE,
        "model_breaks": bool(broken),
    }
    found: dict[str, Any] = {
        "threat_model": THREAT_MODEL,
        "epsilon": epsilon,
        "documents": len(findings.clean),
        "P@1": {
            "clean": clean,
            **at_epsilon,
            "worst": _precision(least([*within, *findings.steps.values(), *findings.restarts.values()])),
        },
        "steps": {str(count): value for count, value in sorted(steps.items())},
        "restarts": {str(count): value for count, value in sorted(restarts.items())},
        "zero_gradients": zero,
        "breaks_at": min(broken, default=None),
        "power": power(len(findings.clean), chance),
    }
    if len(restarts) > 1:
        checks["restarts_converge"] = _last_step(restarts) <= chance
    if "transfer" in at_epsilon:
        checks["transfer_weaker_than_white_box"] = at_epsilon["transfer"] >= at_epsilon["pgd"] - chance
    if findings.unaware is not None:
        unaware = _precision(findings.unaware)
        found["straight_through"] = {"unaware": unaware, "aware": at_epsilon["pgd"]}
        checks["straight_through_at_least_unaware"] = at_epsilon["pgd"] <= unaware + chance
    return found | {"checks": checks}


def power(documents: int, chance: float) -> float:
    """Return how likely a check finds that P@1 of all documents is `LOSS` less: that of these more than `chance` is.

    Each document loses its best label with probability `LOSS`, on its own.
    """
    return float(bdtrc(floor(documents * chance), documents, LOSS))


def _precision(figures: Any) -> float:
    return float(figures[:, P_AT_1].mean())


def _curve(findings: Findings, *names: str) -> dict[float, float]:
    """Return P@1 by rising epsilon, under the worst for each document of the attacks `names`."""
    found: dict[float, list[Any]] = {}
    for attack in sorted(findings.attacks):
        if attack.attack in names and attack.norm == "linf":
            found.setdefault(attack.epsilon, []).append(findings.attacks[attack])
    return {epsilon: _precision(least(figures)) for epsilon, figures in sorted(found.items())}


def _last_step(by_count: dict[int, float]) -> float:
    """Return the drop of P@1, the values of `by_count`, from the highest count but one to the highest."""
    *_, before, last = (value for _, value in sorted(by_count.items()))
    return before - last
