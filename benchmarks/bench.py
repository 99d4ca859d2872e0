"""Side by side with plain XML-CNN, in one run: `python benchmarks/bench.py reuters21578`.

Reads data/CORPUS/encoded/xml_cnn and data/CORPUS/embeddings/xml_cnn; prints a table and writes benchmarks/CORPUS.json.
The plain reference (`plain.py`) pads to encode.max_tokens, convolves, attacks every document and uses autograd; both
sides run with the same threads, precision and optimiser, in turns. So does any peer of `peers.py` that is installed.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.optim import Adam

from measure import compare
from peers import installed_peers
from plain import PlainXMLCNN, backward, fgsm
from xmlcore.common import paths
from xmlcore.common.cli import run
from xmlcore.common.files import write_json
from xmlcore.config.params import Params, load_params
from xmlcore.data.batches import TrueLabels, batches, pad, true_labels
from xmlcore.data.dataset import EncodedCorpus, Split, load_encoded
from xmlcore.data.tokens import PAD
from xmlcore.data.vector_tables import load_vectors
from xmlcore.evaluation.fgsm_sweep import Setting, fgsm_sweep
from xmlcore.explain.methods.lime import lime_surrogates
from xmlcore.explain.methods.shap import shap_values
from xmlcore.explain.scorer import Scorer
from xmlcore.explain.tokens import ModelTokens
from xmlcore.models.losses import binary_cross_entropy
from xmlcore.models.predictor import Predictor
from xmlcore.models.registry import build_model
from xmlcore.models.xml_cnn.model import XMLCNN
from xmlcore.ranking.metrics import TOP
from xmlcore.ranking.predictions import BATCH_SIZE
from xmlcore.training.adversarial import Reduction, hybrid_backward
from xmlcore.training.optimiser import Optimisation

MODEL = "xml_cnn"
DOCUMENT_TOKENS = 140
BARE = Setting("none", "aware")


class PlainPredictor:
    """`Predictor` without sharing: every masked copy is padded, convolved and scored for all labels."""

    def __init__(self, model: PlainXMLCNN, corpus: EncodedCorpus, batch_size: int) -> None:
        self._model, self._corpus, self._batch_size = model.eval(), corpus, batch_size

    @torch.inference_mode()
    def scores(self, documents: Sequence[Sequence[str]], labels: Sequence[int]) -> np.ndarray:
        """Probabilities (n, len(labels)) of the asked `labels`."""
        width, encode = self._corpus.max_tokens, self._corpus.vocabulary.encode
        tokens = pad([np.array(encode(document, width)) for document in documents], width)
        logits = torch.cat([self._model(part) for part in tokens.split(self._batch_size)])
        return logits[:, list(labels)].sigmoid().numpy()


class Bench:
    """One corpus, one fresh model, and the same weights as plain layers."""

    def __init__(self, corpus: str, params: Params) -> None:
        self.params, self.recipe = params, params.model_of(corpus, MODEL)
        self.data = load_encoded(paths.encoded(corpus, MODEL))
        vectors = load_vectors(paths.embedding(corpus, MODEL), self.data.vocabulary).refit
        torch.manual_seed(params.seed)
        model = build_model(self.recipe.architecture, vectors, len(self.data.label_names), self.recipe.network)
        assert isinstance(model, XMLCNN)
        self.model, self.plain = model, PlainXMLCNN(model)

    def our_step(self, regime: str, turns: int, **changes: float) -> Callable[[], None]:
        """Our training step, of documents as long as the longest of a batch; `changes` are of the regime."""
        conditions, recipe = self.params.regime_of(regime).model_copy(update=changes), self.recipe.training

        def work(tokens: Tensor, labels: TrueLabels) -> None:
            hybrid_backward(self.model, tokens, labels, conditions, Reduction(recipe.loss_reduction))

        return self._step(self.model, work, Optimisation(self.model, recipe), None, turns)

    def plain_step(self, regime: str, turns: int) -> Callable[[], None]:
        """The plain one, of documents padded to `encode.max_tokens`."""
        conditions, optimizer = self.params.regime_of(regime), Adam(self.plain.parameters(), fused=True)

        def work(tokens: Tensor, labels: TrueLabels) -> None:
            backward(self.plain, tokens, self._targets(labels), conditions)

        return self._step(self.plain, work, optimizer, self.data.max_tokens, turns)

    def peer_step(self, peer: nn.Module, turns: int) -> Callable[[], None]:
        """A clean step of another's implementation, of documents as long as the longest of a batch."""

        def work(tokens: Tensor, labels: TrueLabels) -> None:
            (binary_cross_entropy(peer(tokens), self._targets(labels)) / len(tokens)).backward()

        return self._step(peer, work, Adam(peer.parameters(), fused=True), None, turns)

    def _step(
        self,
        model: nn.Module,
        work: Callable[[Tensor, TrueLabels], None],
        optimizer: Optimisation | Adam,
        width: int | None,
        turns: int,
    ) -> Callable[[], None]:
        """A step of `model` that takes the next batch of the training split each time."""
        split, recipe = self.data.splits["train"], self.recipe.training
        rng = np.random.default_rng(self.params.seed)
        documents = iter([next(batches(split.lengths, recipe.batch_size, rng)) for _ in range(turns)])

        def step() -> None:
            torch.set_float32_matmul_precision(recipe.matmul_precision)
            model.train()
            chosen = next(documents)
            tokens = pad([split.document(i) for i in chosen], width)
            labels = true_labels(split, chosen)
            model.zero_grad()
            work(tokens, labels)
            optimizer.step()

        return step

    def _targets(self, labels: TrueLabels) -> Tensor:
        """(B, L)."""
        return labels.targets(labels.ids, self.model.labels)

    def sweep(self, epsilons: Sequence[float], documents: Split) -> Callable[[], object]:
        """Our FGSM sweep of the bare model."""
        return lambda: self._exactly(fgsm_sweep, self.model, documents, list(epsilons), [BARE], self.params.fgsm.bits)

    def plain_sweep(self, epsilons: Sequence[float], split: Split) -> Callable[[], None]:
        """The same, with a gradient for every epsilon."""

        def sweep() -> None:
            self.plain.eval()
            for chosen in batches(split.lengths, BATCH_SIZE):
                tokens = pad([split.document(i) for i in chosen], self.data.max_tokens)
                targets = self._targets(true_labels(split, chosen))
                for epsilon in epsilons:
                    embeddings = self.plain.embed(tokens).detach()
                    attacked = fgsm(self.plain, embeddings, tokens != PAD, targets, epsilon)
                    with torch.no_grad():
                        self.plain.score(attacked).topk(TOP)

        return lambda: self._exactly(sweep)

    def explainer(self, explain: Callable[..., object], scorer: Scorer, **options: object) -> Callable[[], object]:
        """`explain` of a document of `DOCUMENT_TOKENS` tokens for five labels."""
        split = self.data.splits["test"]
        tokens = np.concatenate([split.document(i) for i in range(DOCUMENT_TOKENS)])[:DOCUMENT_TOKENS]
        words = [self.data.vocabulary.tokens[token] for token in tokens]
        document = ModelTokens(words) if explain is shap_values else words
        return lambda: self._exactly(explain, document, scorer, list(range(5)), **options)

    @staticmethod
    def _exactly(work: Callable[..., object], *arguments: object, **options: object) -> object:
        torch.set_float32_matmul_precision("highest")
        return work(*arguments, **options)


def main(corpus: str, repeats: Annotated[int, typer.Option(help="measured turns of each side", min=1)] = 15) -> None:
    """Compare XML-CNN with its plain reference on CORPUS, which has been encoded."""
    bench = Bench(corpus, load_params())
    turns = repeats + 1
    rows = []
    for regime in ("clean", "adversarial"):
        steps = bench.our_step(regime, turns), bench.plain_step(regime, turns)
        rows.append(compare(f"{regime} training step", *steps, repeats))
    for regime in ("adversarial", "stable"):
        steps = bench.our_step("clean", turns), bench.our_step(regime, turns)
        rows.append(compare(f"our {regime} step (as reference) and our clean step", *steps, repeats))
    steps = bench.our_step("stable", turns), bench.our_step("adversarial", turns, adversarial_share=1.0)
    rows.append(compare("our adversarial step, all documents attacked (as reference), and stable", *steps, repeats))

    for name, peer in installed_peers(bench.model):
        steps = bench.our_step("clean", turns), bench.peer_step(peer, turns)
        rows.append(compare(f"clean training step, {name} as reference", *steps, repeats))

    epsilons, few = bench.params.fgsm.epsilons, 3
    some, more = (bench.data.splits["test"].part(0, count * BATCH_SIZE) for count in (2, 8))
    name = f"FGSM sweep, {len(epsilons)} epsilons"
    rows.append(compare(name, bench.sweep(epsilons, some), bench.plain_sweep(epsilons, some), few))
    one = bench.sweep([bench.params.report.epsilon], more)
    rows.append(compare(f"our {name} (as reference) and our sweep of one", one, bench.sweep(epsilons, more), few))

    size = bench.params.explain.batch_size
    scorers = Predictor(bench.model, bench.data, size), PlainPredictor(bench.plain, bench.data, size)
    lime = {"samples": 5000, "top_tokens": 10, "seed": [0], "batch_size": size}
    rows.append(compare("LIME, 5000 samples", *(bench.explainer(lime_surrogates, s, **lime) for s in scorers), few))
    shap = {"evaluations": 5000, "seed": 0, "batch_size": size}
    rows.append(compare("SHAP, 5000 evaluations", *(bench.explainer(shap_values, s, **shap) for s in scorers), few))

    table = Table("what", "ours, ms", "reference, ms", "ratio", title=f"{corpus}, {torch.get_num_threads()} threads")
    for row in rows:
        table.add_row(row.name, f"{1000 * row.ours:.1f}", f"{1000 * row.reference:.1f}", f"{row.ratio:.2f}")
    Console().print(table)
    write_json(Path("benchmarks", f"{corpus}.json"), [asdict(row) for row in rows])


if __name__ == "__main__":
    run(main)
