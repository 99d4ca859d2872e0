"""What the report is made of, and the explanations of attacks and their stability."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from hostile.damage import damaged_text
from hostile.parsers.base import Parser, written
from xmlcore.common.files import write_json
from xmlcore.explain.pages.attacked_documents import chosen_attacks, read_attacks
from xmlcore.explain.study.stability import read_study, stability
from xmlcore.report.collect import collect
from xmlcore.report.provenance import read_provenance

CELL = ("toy", "xml_cnn", "clean", "bce")
PLACE = "results/toy/xml_cnn/clean/bce"
SHARES = {"P@1": 0.9, "P@3": 0.6, "P@5": 0.4, "nDCG@1": 0.9, "nDCG@3": 0.8, "nDCG@5": 0.7}
RATES = {
    "samples": 3,
    "clean_accuracy": 1.0,
    "success_rate": 0.5,
    "accuracy_under_attack": 0.5,
    "success_rate@0.80": 0.5,
}
KS = (1, 3, 5)
INTERVAL = {"mean": 0.5, "low": 0.4, "high": 0.6}
STUDY = {"lime": [{"document": 0, "doc_id": "1", "label_name": "a", "tokens": ["x", "y"], "weights": [0.5, -0.1]}]}
REPORTED: dict[str, Any] = {
    f"{PLACE}/evaluate/corpus.json": {
        **dict.fromkeys(("train_documents", "validation_documents", "test_documents", "vocabulary", "labels"), 3),
        **dict.fromkeys(("labels_per_document", "documents_per_label"), 1.5),
        **dict.fromkeys(("tokens_per_train_document", "tokens_per_test_document"), 1.5),
    },
    f"{PLACE}/evaluate/fgsm.json": [
        {"epsilon": 0.0, "relative_size": 0.0, **SHARES, "gap@1": 0, "gap@3": 0, "gap@5": 0}
    ],
    f"{PLACE}/evaluate/ranking.json": {
        **SHARES,
        **dict.fromkeys(("PSP@1", "PSP@3", "PSP@5", "recall@5", "micro_F1", "macro_F1"), 0.5),
    },
    "results/toy/linear/clean/squared_hinge/evaluate/ranking.json": {
        **SHARES,
        **dict.fromkeys(("PSP@1", "PSP@3", "PSP@5", "recall@5", "micro_F1", "macro_F1"), 0.5),
    },
    "stacked/toy/ranking.json": {
        **SHARES,
        **dict.fromkeys(("PSP@1", "PSP@3", "PSP@5", "recall@5", "micro_F1", "macro_F1"), 0.5),
    },
    f"{PLACE}/train/training.json": {"epochs": 2, "best_epoch": 1, "validation_P@1": 0.5, "parameters": 9},
    f"{PLACE}/attack_words/summary.json": {
        "positive": {"gradient": {**RATES, "similarity": 0.9, "change_rate": None, "queries": 3.0}}
    },
    f"{PLACE}/attack_words/by_frequency.json": [
        {"goal": "positive", "generator": "gradient", "lowest": 1, "highest": 2, **RATES}
    ],
    f"{PLACE}/evaluate/calibration.json": {
        "temperature": 1.5,
        "expected_calibration_error": 0.04,
        "expected_calibration_error_calibrated": 0.01,
        "micro_F1": 0.7,
        "micro_F1_threshold": 0.75,
        "macro_F1": 0.3,
        "macro_F1_thresholds": 0.4,
    },
    f"{PLACE}/evaluate/label_bins.json": [{"frequency": "1-5", "labels": 3, "pairs": 4, "recall@5": 0.5, "PSP@5": 0.5}],
    f"{PLACE}/evaluate/squeezing.json": [
        {"epsilon": 0.0, "squeeze": "none", "attacker": "aware", "P@1": 0.5, "P@3": 0.5, "P@5": 0.5, "tied": 0.0}
    ],
    f"{PLACE}/train/timing.json": {"seconds": 1.5},
    f"{PLACE}/explain/lime/explanations.json": [
        {"document": 0, "doc_id": "1", "true_labels": ["a"], "label_name": "a"} | {"tokens": ["x"], "weights": [0.5]},
        {"document": 1, "skipped": "no token"},
    ],
    f"{PLACE}/explain/lime/global.json": [{"token": "x", "importance": 1.0}],
    f"{PLACE}/attack_embeddings/checks.json": {
        **{
            "threat_model": "white box",
            "epsilon": 0.1,
            "documents": 9,
            "zero_gradients": 0.0,
            "power": 0.5,
            "breaks_at": None,
        },
        "P@1": dict.fromkeys(("clean", "noise", "fgsm", "pgd", "pgd_margin", "pgd_top_k", "pgd_l2", "worst"), 0.5),
        **{"steps": {"1": 0.5}, "restarts": {"1": 0.5}, "checks": {"model_breaks": False, "steps_converge": True}},
    },
    f"{PLACE}/attack_embeddings/worst_case.json": {
        **{"epsilon": 0.1, "relative_size": 0.2, "documents": 9, "worst": INTERVAL},
        "P@1": dict.fromkeys(("clean", "fgsm", "pgd_margin", "apgd", "apgd_margin", "fab", "square"), 0.5),
    },
    f"{PLACE}/attack_embeddings/curves.json": [
        {"attack": "pgd", "norm": "linf", "epsilon": 0.1} | {f"{each}@{k}": 0.5 for each in ("P", "nDCG") for k in KS}
    ],
    f"{PLACE}/explain/study/faithfulness.json": {
        **{"documents": 9, "agreement": {"lime_ig": 0.5}, "better_than_random": {"lime": True}},
        "methods": {
            "lime": dict.fromkeys(
                ("masking", "deletion"), {"comprehensiveness": 0.5, "sufficiency": 0.1, "naopc": INTERVAL}
            )
        },
    },
    f"{PLACE}/explain/study/stability.json": {
        **{"documents": 9, "attacked": {"lime": {"rank_correlation": INTERVAL, "overlap": INTERVAL}}},
    },
    f"{PLACE}/explain_attacks/gallery.json": [
        {
            **{"document": 0, "doc_id": "1", "label_name": "a", "true_labels": ["a"]},
            **{"goal": "positive", "generator": "gradient"},
            "texts": dict.fromkeys(
                ("original", "attacked"),
                {"score": 0.5, "rank": 1, "tokens": ["x"], "changed": [0], "weights": {"lime": [0.5]}},
            ),
        }
    ],
    f"{PLACE}/attack_words/clusters.json": [["a", "b"], ["c"]],
}
ATTACK = {
    **{"goal": "positive", "generator": "gradient", "document": 0, "doc_id": "1", "labels": ["a"]},
    **{"bin": {"lowest": 1, "highest": 2}},
    **{"true_labels": ["a"], "words": ["x", "y"], "changes": [{"position": 1, "word": "y", "substitute": ""}]},
    **{"ranks_before": [1], "ranks_after": [9], "best_before": ["a"], "best_after": ["b"], "success": True},
}
CURVE = f"{PLACE}/train/learning/plots/metrics/validation_P@1.tsv"
ATTACKS = f"{PLACE}/attack_words/attacks.jsonl"
LOCK = b"""\
schema: '2.0'
stages:
  encode@toy-xml_cnn:
    cmd: python stages/encode.py toy xml_cnn
    deps:
    - {path: xmlcore/data/tokens.py, hash: md5, md5: aaaa, size: 1}
    outs:
    - {path: data/toy/encoded/xml_cnn, hash: md5, md5: cccc, size: 1}
"""


def write_reported(folder: Path) -> None:
    for name, value in REPORTED.items():
        write_json(folder / name, value)
    for name, text in ((CURVE, "step\tvalidation_P@1\n0\t0.5\n1\t0.75\n"), (ATTACKS, json.dumps(ATTACK) + "\n")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def use_reported(folder: Path) -> None:
    results = collect(folder, ["toy"], ["xml_cnn"], ["clean"], ["bce"], 0.0)
    assert results.corpora == ["toy"]


def use_attacks(folder: Path) -> None:
    for attack in chosen_attacks(read_attacks(folder / "attacks.jsonl", {"a", "b"}), 1):
        for change in attack["changes"]:
            assert attack["words"][change["position"]] is not None


def use_study(folder: Path) -> None:
    found = read_study(folder / "study.json")
    stability(found, found)


def parsers() -> Iterator[Parser]:
    files = written(write_reported)
    for target in REPORTED:
        yield Parser(
            f"report {Path(target).parent.name}/{Path(target).name}", files, target, use_reported, damaged_text
        )
    yield Parser("report attacks.jsonl", files, ATTACKS, use_reported, damaged_text)
    yield Parser("report learning curve", files, CURVE, use_reported)
    yield Parser("report dvc.lock", lambda: {"dvc.lock": LOCK}, "dvc.lock", lambda it: read_provenance(it, ["toy"]))
    for target, content, use in (("attacks.jsonl", ATTACK, use_attacks), ("study.json", STUDY, use_study)):
        yield Parser(target, partial(dict, {target: json.dumps(content).encode()}), target, use, damaged_text)
