"""Training steps with a million labels: `python benchmarks/million_labels.py mach`, and `bag_of_words` to compare.

Both read the same simulated documents through one hidden layer. MACH has 8 classifiers of 8,192 buckets, the bag
of words an output for every label. Prints one line of JSON: parameters, seconds of a step (median), peak memory.
"""

import json
import statistics
import time
from typing import Annotated

import numpy as np
import torch
import typer

from xmlcore.common.cli import run, track
from xmlcore.common.timing import measured
from xmlcore.config.architectures import ARCHITECTURES
from xmlcore.config.params import Regime, Training
from xmlcore.data.batches import TrueLabels, pad
from xmlcore.models.registry import build_model
from xmlcore.training.adversarial import Reduction, hybrid_backward
from xmlcore.training.optimiser import Optimisation

VOCABULARY, BATCH_SIZE, TOKENS, TRUE_LABELS = 50_000, 64, 60, 5
WIDTHS = {"mach": 8 * 64, "bag_of_words": 64}  # of the embeddings; MACH's are shared by its classifiers
SHAPES = {
    "mach": {"repetitions": 8, "buckets": 8192, "encoder": {"bag_of_words": {}}},
    "bag_of_words": {},
}
CLEAN = Regime(epsilon=0.0, adversarial_weight=0.0, adversarial_share=1.0, squeeze="none")


def main(
    architecture: str,
    labels: Annotated[int, typer.Option(min=2)] = 1_000_000,
    steps: Annotated[int, typer.Option(min=1)] = 10,
) -> None:
    """Train ARCHITECTURE, mach or bag_of_words, for a few steps on random documents."""
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    with measured() as cost:
        vectors = rng.standard_normal((VOCABULARY, WIDTHS[architecture]), np.float32)
        model = build_model(
            architecture, vectors, labels, ARCHITECTURES[architecture].network.model_validate(SHAPES[architecture])
        )
        optimisation = Optimisation(model, Training(sparse_embedding=True))
        seconds = []
        for _ in track(range(steps + 1), f"{architecture}, {labels:,} labels"):
            tokens = pad([*rng.integers(1, VOCABULARY, (BATCH_SIZE, TOKENS))])
            ids = torch.from_numpy(rng.integers(0, labels, (BATCH_SIZE, TRUE_LABELS)))
            started = time.perf_counter()
            model.zero_grad()
            hybrid_backward(model, tokens, TrueLabels(ids, torch.ones(ids.shape)), CLEAN, Reduction("document"))
            optimisation.step()
            seconds.append(time.perf_counter() - started)
    figures = {
        "architecture": architecture,
        "labels": labels,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "seconds_per_step": round(statistics.median(seconds[1:]), 4),
        "peak_memory_gib": cost["peak_memory_gib"],
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    run(main)
