"""A small project on disk, as the stages leave it, with hostile text where a corpus could put it."""

import json
from pathlib import Path
from typing import Any

HOSTILE = '\u202e\x00$\\frac$<script>alert(1)</script>|`"><img src=x onerror=window.hostile=1>'
PARAMS = """\
corpora: [toy]   # what `dvc repro` runs
corpus:
  toy:
    note: "<script>"
  other:
    note: committed elsewhere
  unseen:
    note: never run
report:
  epsilon: 0.1
"""
LOCK = """\
schema: '2.0'
stages:
  encode@toy-xml_cnn:
    cmd: python stages/encode.py toy xml_cnn
    deps:
    - {path: xmlcore/data/tokens.py, hash: md5, md5: aaaa, size: 1}
    - {path: data/toy/records, hash: md5, md5: bbbb, size: 1}
    outs:
    - {path: data/toy/encoded/xml_cnn, hash: md5, md5: cccc, size: 1}
  encode@unseen-toy:
    cmd: python stages/encode.py unseen toy
    outs:
    - {path: data/unseen/encoded/toy, hash: md5, md5: dddd, size: 1}
  report:
    cmd: python stages/report.py
    deps:
    - {path: data/toy/encoded/xml_cnn, hash: md5, md5: stale, size: 1}
    outs:
    - {path: report, hash: md5, md5: eeee, size: 1}
"""


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def evaluation(epsilon: float, clean: float, attacked: float) -> dict[str, float]:
    shares = {f"{metric}@{k}": attacked / k for metric in ("P", "nDCG") for k in (1, 3, 5)}
    return (
        {"epsilon": epsilon, "relative_size": 2 * epsilon}
        | shares
        | {f"gap@{k}": (clean - attacked) / k for k in (1, 3, 5)}
    )


def write_evaluations(root: Path, place: str, attacked: dict[float, float]) -> None:
    rows = [evaluation(epsilon, attacked[0.0], share) for epsilon, share in attacked.items()]
    write(root / "results" / place / "evaluate" / "fgsm.json", rows)
    write(root / "results" / place / "evaluate" / "relative_sizes.json", rows[:2])


def write_run(root: Path, regime: str, attacked: dict[float, float]) -> None:
    place = f"toy/xml_cnn/{regime}/bce"
    write_evaluations(root, place, attacked)
    training = {"epochs": 14, "best_epoch": 11, "validation_P@1": 0.95, "parameters": 1234567}
    results = root / "results" / place
    write(results / "train" / "training.json", training)
    write(results / "train" / "timing.json", {"seconds": 63.14})
    write(results / "evaluate" / "timing.json", {"seconds": 7.0})
    counts = ("train_documents", "validation_documents", "test_documents", "vocabulary", "labels")
    means = ("labels_per_document", "documents_per_label", "tokens_per_train_document", "tokens_per_test_document")
    write(results / "evaluate" / "corpus.json", dict.fromkeys(counts, 12345) | dict.fromkeys(means, 3.14159))
    write(
        results / "evaluate" / "calibration.json",
        {
            "temperature": 1.5,
            "expected_calibration_error": 0.04,
            "expected_calibration_error_calibrated": 0.01,
            "micro_F1": 0.7,
            "micro_F1_threshold": 0.75,
            "macro_F1": 0.3,
            "macro_F1_thresholds": 0.4,
        },
    )
    shares = {"P@1": 0.9, "P@3": 0.6, "P@5": 0.4, "nDCG@1": 0.9, "tied": 0.125}
    write(
        results / "evaluate" / "squeezing.json",
        [
            {"epsilon": epsilon, "squeeze": squeeze, "attacker": attacker} | shares
            for epsilon in (0.0, 0.1)
            for squeeze in ("none", "embeddings", "outputs", "both")
            for attacker in ("unaware", "aware")
            if (squeeze, attacker) != ("none", "unaware")
        ],
    )
    curve = "step\tvalidation_P@1\n" + "".join(f"{epoch}\t{1 - 1 / (epoch + 2)}\n" for epoch in range(6))
    write(results / "train" / "learning" / "plots" / "metrics" / "validation_P@1.tsv", curve)

    origin = {"document": 0, "doc_id": HOSTILE, "true_labels": [HOSTILE]}
    explanation = {"label_name": HOSTILE, "label": 3, "score": 0.9, "tokens": ["profit", HOSTILE, "profit"]}
    for method in ("lime", "shap"):
        folder = results / "explain" / method
        write(folder / "document-000.html", "<!DOCTYPE html>")
        skipped = {"document": 1, "doc_id": "d1", "skipped": "the document has no token"}
        entry = origin | explanation | {"weights": [0.25, -0.125, 0.25], "r2": 0.75}
        write(folder / "explanations.json", [entry, skipped])
    importances = [{"token": "profit", "importance": 2.0}, {"token": HOSTILE, "importance": 1.0}]
    write(results / "explain" / "shap" / "global.json", importances)


def write_project(root: Path) -> None:
    """`toy` complete, base and robust; `other`, which is not listed, with results of the base model."""
    write_run(root, "clean", {0.0: 0.9507, 0.05: 0.8, 0.1: 0.7004})
    write_run(root, "adversarial", {0.0: 0.9533, 0.05: 0.9, 0.1: 0.7852})
    write_evaluations(root, "other/xml_cnn/clean/bce", {0.0: 0.5329, 0.2: 0.2494})
    write(root / "params.yaml", PARAMS)
    write(root / "dvc.lock", LOCK)
