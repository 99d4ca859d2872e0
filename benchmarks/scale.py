"""Time and memory of evaluation on RCV1's scale: `python benchmarks/scale.py 781265`.

Simulates that many encoded documents with RCV1's lengths, vocabulary and label counts (Lewis et al. 2004: about 124
tokens of 47,236 kinds, 3.2 of 103 labels), evaluates an untrained XML-CNN on them, clean and under FGSM, and prints one
line of JSON: seconds, documents a second, and the peak of the process's memory.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
import torch

from xmlcore.common.cli import run, track
from xmlcore.common.timing import measured
from xmlcore.config.params import load_params
from xmlcore.data.dataset import Split
from xmlcore.data.tokens import SPECIAL_TOKENS, Vocabulary
from xmlcore.data.word_vectors import random_vectors
from xmlcore.evaluation.fgsm_sweep import Setting, fgsm_sweep
from xmlcore.models.registry import build_model

TERMS, MEAN_TOKENS, LABELS, MEAN_LABELS = 47236, 124, 103, 3.24
CHUNK = 10_000  # documents written at a time


def simulate(folder: Path, documents: int, max_tokens: int, seed: int) -> Split:
    """Zipf-distributed tokens and labels, log-normal lengths; written in pieces and memory-mapped."""
    rng = np.random.default_rng(seed)
    lengths = rng.lognormal(np.log(MEAN_TOKENS) - 0.25, 0.7, documents).astype(np.int64).clip(1, max_tokens)
    label_counts = 1 + rng.poisson(MEAN_LABELS - 1, documents)
    for name, counts, kinds, first in (
        ("tokens", lengths, TERMS, len(SPECIAL_TOKENS)),
        ("labels", label_counts, LABELS, 0),
    ):
        cumulative = np.cumsum(1 / np.arange(1, kinds + 1))
        with (folder / name).open("wb") as file:
            for start in range(0, documents, CHUNK):
                draws = rng.random(counts[start : start + CHUNK].sum()) * cumulative[-1]
                (first + np.searchsorted(cumulative, draws)).astype(np.int32).tofile(file)
    tokens, labels = (np.memmap(folder / name, np.int32, "r") for name in ("tokens", "labels"))
    return Split(tokens, np.cumsum([0, *lengths]), labels, np.cumsum([0, *label_counts]))


def main(documents: int) -> None:
    """Evaluate on DOCUMENTS simulated documents."""
    params = load_params()
    recipe = params.model["xml_cnn"]
    vocabulary = Vocabulary([f"t{i}" for i in range(TERMS)])
    torch.manual_seed(params.seed)
    vectors = random_vectors(vocabulary, recipe.embedding.dimension, params.seed)
    model = build_model(recipe.architecture, vectors, LABELS, recipe.network)
    with tempfile.TemporaryDirectory() as folder:
        split = simulate(Path(folder), documents, params.encode.max_tokens, params.seed)
        with measured() as cost:
            fgsm_sweep(
                model,
                split,
                epsilons=[params.report.epsilon],
                settings=[Setting("none", "aware")],
                bits=params.fgsm.bits,
                track=track,
            )
    print(json.dumps({"documents": documents, "documents_per_second": round(documents / cost["seconds"])} | cost))


if __name__ == "__main__":
    run(main)
