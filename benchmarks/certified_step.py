"""A step of training with substitutes against a clean one: `python benchmarks/certified_step.py reuters21578 xml_cnn`.

Reads data/CORPUS/encoded/MODEL, data/CORPUS/embeddings/MODEL and data/substitutes/CORPUS; prints the seconds of
forward and backward passes over the same batches, and their ratio, of certified training while the substitutes move
away and when they have, and of adversarial training on words.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import numpy as np
import torch
import typer

from measure import compare
from xmlcore.common import paths
from xmlcore.common.cli import run
from xmlcore.config.params import load_params
from xmlcore.config.recipes import read_architecture, read_training
from xmlcore.data.batches import batches, pad, true_labels
from xmlcore.data.dataset import load_encoded
from xmlcore.data.substitutes import load_table
from xmlcore.data.vector_tables import load_vectors
from xmlcore.models.registry import build_model
from xmlcore.training.adversarial import Reduction, hybrid_backward
from xmlcore.training.certified import WorstCase, certified_backward

RADII = (0.5, 1.0)


def main(
    corpus: str,
    model: str,
    steps: Annotated[int, typer.Option(min=1, help="Batches of each turn.")] = 10,
    repeats: Annotated[int, typer.Option(min=1, help="Turns.")] = 3,
) -> None:
    """Compare the steps of the recipe MODEL on CORPUS."""
    params = load_params()
    data, recipe = load_encoded(paths.encoded(corpus, model)), paths.recipe(corpus, model)
    options, (architecture, network) = read_training(recipe), read_architecture(recipe)
    substitutes = load_table(paths.substitutes(corpus), data.vocabulary)
    vectors = load_vectors(paths.embedding(corpus, model), data.vocabulary)
    torch.manual_seed(params.seed)
    torch.set_float32_matmul_precision(options.matmul_precision)
    classifier = build_model(architecture, vectors.selection, len(data.label_names), network).train()
    classifier.sparse_embedding = options.sparse_embedding
    split, reduction = data.splits["train"], Reduction(options.loss_reduction)
    drawn = [*batches(split.lengths, options.batch_size, np.random.default_rng(params.seed))][:steps]
    given = [(pad([split.document(i) for i in batch]), true_labels(split, batch)) for batch in drawn]

    def pass_over(backward: Callable[..., float]) -> None:
        for tokens, labels in given:
            classifier.zero_grad()
            backward(classifier, tokens, labels, reduction=reduction)

    clean, on_words = (params.regime_of(name) for name in ("clean", "adversarial_words"))
    others = {
        f"certified, radius {radius}": partial(
            certified_backward, worst_case=WorstCase(substitutes, 0.5 * radius, radius)
        )
        for radius in RADII
    } | {"adversarial_words": partial(hybrid_backward, regime=on_words, substitutes=substitutes)}
    for name, other in others.items():
        plain = partial(pass_over, partial(hybrid_backward, regime=clean))
        row = compare(name, plain, partial(pass_over, other), repeats=repeats)
        print(f"{name}: {row.reference / steps:.3f} s a step, clean {row.ours / steps:.3f} s: x {row.ratio:.2f}")


if __name__ == "__main__":
    run(main)
