"""Files of sanity checks, faithfulness, stability and the gallery, written by hand as the stages write them."""

from pathlib import Path
from typing import Any

from disk import HOSTILE, write

METHODS = ("lime", "shap", "ig")
PLACES = ("toy/xml_cnn/clean/bce", "toy/xml_cnn/adversarial/bce")
EPSILONS = (0.02, 0.05, 0.1)


def sanity(**checks: bool) -> dict[str, Any]:
    """Of a model on which everything holds but for what `checks` say."""
    return {
        "threat_model": f"White box: the attacker knows the weights and the labels. {HOSTILE}",
        "epsilon": 0.1,
        "documents": 200,
        "P@1": {"clean": 0.94, "noise": 0.93, "fgsm": 0.58, "pgd": 0.4}
        | {"pgd_margin": 0.38, "pgd_top_k": 0.41, "pgd_l2": 0.2, "worst": 0.175},
        "steps": {"1": 0.6, "20": 0.4, "5": 0.45},
        "restarts": {"1": 0.4, "2": 0.395},
        "zero_gradients": 0.005,
        "breaks_at": 1.0,
        "power": 0.5,
        "checks": {
            "pgd_at_least_fgsm": True,
            "steps_converge": True,
            "restarts_converge": True,
            "success_grows_with_epsilon": True,
            "noise_weaker_than_fgsm": True,
            "gradients_not_zero": True,
            "model_breaks": True,
        }
        | checks,
    }


def worst_case() -> dict[str, Any]:
    shares = {"clean": 0.94, "fgsm": 0.58, "pgd_margin": 0.4, "apgd": 0.36, "apgd_margin": 0.35, "fab": 0.34}
    worst = {"mean": 0.335, "low": 0.31, "high": 0.36}
    return {
        **{"epsilon": 0.1, "relative_size": 0.17, "documents": 1000, "worst": worst},
        "P@1": shares | {"square": worst["mean"]},
    }


def certification() -> dict[str, Any]:
    return {
        **{"documents": 3000, "substitutes": 1.25, "violations": 0},
        "clean": {"P@1": 0.94, "P@3": 0.38, "P@5": 0.23},
        "attacked": {"P@1": 0.9, "P@3": 0.36, "P@5": 0.22},
        "certified": {"P@1": 0.85, "P@3": 0.34, "P@5": 0.21},
        "certified_few": {"P@1": 0.87, "P@3": 0.35, "P@5": 0.215},
        "max_change": 0.1,
    }


def smoothed() -> dict[str, Any]:
    voted = {"P@1": 0.93, "P@3": 0.37, "P@5": 0.22}
    point = {"radius": 0.001, "P@1": 0.8, "P@3": 0.3, "P@5": 0.2}
    return {
        "noise": {"documents": 100, "voted": voted, "certified": [point]},
        "deletion": {"documents": 100, "voted": voted, "certified": [point | {"radius": 2}]},
    }


def attacks() -> list[dict[str, Any]]:
    """Curves that fall with epsilon, those of L2 faster."""
    slopes = {("noise", "linf"): 0.1, ("fgsm", "linf"): 3, ("pgd", "linf"): 5, ("pgd", "l2"): 7}
    return [
        {"attack": attack, "norm": norm, "epsilon": epsilon}
        | {f"{metric}@{k}": (0.9 - slope * epsilon) / k for metric in ("P", "nDCG") for k in (1, 3, 5)}
        for (attack, norm), slope in slopes.items()
        for epsilon in reversed(EPSILONS)
    ]


def interval(mean: float) -> dict[str, float]:
    return {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}


def faith(naopc: float, **others: float) -> dict[str, Any]:
    removal = {"comprehensiveness": 0.4, "sufficiency": -0.125, "naopc": interval(naopc)}
    scores = {"tau_leave_one_out": 0.5, "sparseness": 0.75, "sensitivity": 0.25, "randomised": 0.03}
    return {"masking": removal, "deletion": removal | {"naopc": interval(naopc / 2)}} | scores | others


def faithfulness() -> dict[str, Any]:
    return {
        "documents": 50,
        "methods": {
            "random": faith(0.1),
            "lime": faith(0.8, r2=0.875),
            "shap": faith(0.7),
            "ig": faith(0.6, delta=0.001),
            "gradient_x_input": faith(0.2),
        },
        "agreement": {"lime_shap": 0.6, "lime_ig": 0.5, "shap_ig": 0.4},
        "better_than_random": {"lime": True, "shap": True, "ig": True, "gradient_x_input": False},
    }


def drift(mean: float) -> dict[str, Any]:
    return {"rank_correlation": interval(mean), "overlap": interval(mean / 2)}


def stability() -> dict[str, Any]:
    return {"documents": 50, "attacked": {method: drift(0.8) for method in METHODS}}


def study(reverse: bool) -> dict[str, Any]:
    """The weights of four words in two documents; in `reverse` they are in the opposite order."""
    weights = [0.1, 0.2, 0.3, 0.4]
    return {
        method: [
            {"doc_id": doc_id, "label_name": "C15", "tokens": list("abcd"), "weights": weights[:: -1 if reverse else 1]}
            for doc_id in ("1", "2")
        ]
        for method in METHODS
    }


def text(tokens: list[str], changed: list[int], rank: int) -> dict[str, Any]:
    weights = {method: [(-1) ** i * (i + 1) / 100 for i in range(len(tokens))] for method in METHODS}
    return {"score": 0.9 / rank, "rank": rank, "tokens": tokens, "changed": changed, "weights": weights}


def gallery_entry(document: int, label: str, rank_after: int) -> dict[str, Any]:
    """A document of which one word was replaced by a hostile one and one deleted."""
    original = ["profit", "rose", HOSTILE, "in", "London", "</script>", "today"]
    attacked = ["profit", "rose", HOSTILE + "2", "in", "London", "</script>"]
    return {
        "document": document,
        "doc_id": HOSTILE,
        "label_name": label,
        "true_labels": [label, HOSTILE],
        "goal": "positive",
        "generator": "masked_lm",
        "texts": {"original": text(original, [2, 6], 1), "attacked": text(attacked, [2], rank_after)},
    }


def write_trust(root: Path) -> None:
    """All files of both models of `toy`; two checks of the robust model fail."""
    clean, robust = PLACES
    write(root / "results" / clean / "attack_embeddings" / "checks.json", sanity())
    write(
        root / "results" / robust / "attack_embeddings" / "checks.json",
        sanity(straight_through_at_least_unaware=True, steps_converge=False, model_breaks=False)
        | {"straight_through": {"unaware": 0.5, "aware": 0.45}, "breaks_at": None},
    )
    for place in PLACES:
        results = root / "results" / place
        write(results / "attack_embeddings" / "curves.json", attacks())
        write(results / "attack_embeddings" / "worst_case.json", worst_case())
        write(results / "certify" / "certified.json", certification())
        write(results / "smooth" / "smoothed.json", smoothed())
        write(results / "explain" / "study" / "faithfulness.json", faithfulness())
        seconds = dict.fromkeys(("lime", "shap", "ig", "gradient_x_input", "random"), 0.4)
        write(results / "explain" / "timing.json", {"seconds": 60.0} | seconds)
        write(results / "explain" / "study" / "stability.json", stability())
        write(results / "explain" / "study" / "clean.json", study(reverse=place != clean))
        rank = 9 if place == clean else 2
        entries = [gallery_entry(12, "C15", rank), gallery_entry(12, HOSTILE, rank + 1), gallery_entry(3, "M11", rank)]
        write(results / "explain_attacks" / "gallery.json", entries)
