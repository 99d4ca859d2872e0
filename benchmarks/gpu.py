"""What a GPU is worth here: `python benchmarks/gpu.py --minutes 8`, or, as a dry run, `--device cpu`.

Runs the tests of tests/device on it; then takes turns with the CPU at steps of every architecture, on made-up documents
(Zipf's law; bodies of random weights): training, clean and adversarial, the FGSM sweep, PGD, and LIME; then trains real
corpora end to end, as far as they can be fetched. What the time does not reach is told; the tables come last.
"""

import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

from measure import compare
from xmlcore.attacks.embeddings.balls import LInfinity
from xmlcore.attacks.embeddings.documents import Documents
from xmlcore.attacks.embeddings.objectives import margin
from xmlcore.attacks.embeddings.pgd import pgd
from xmlcore.common.cli import run
from xmlcore.common.device import CPU, choose_device
from xmlcore.config.params import Model, Params, Regime, load_params
from xmlcore.data.batches import pad, true_labels
from xmlcore.data.dataset import EncodedCorpus, Split
from xmlcore.data.tokens import SPECIAL_TOKENS, Vocabulary
from xmlcore.data.word_vectors import random_vectors
from xmlcore.evaluation.fgsm_sweep import Setting, fgsm_sweep
from xmlcore.explain.methods.lime import lime_surrogates
from xmlcore.models.base import Classifier
from xmlcore.models.predictor import Predictor
from xmlcore.models.registry import build_model
from xmlcore.training.adversarial import Reduction, hybrid_backward
from xmlcore.training.optimiser import Optimisation

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ("xml_cnn", "attention_xml", "bag_of_words", "mach", "aplc_xlnet", "aplc_bert")
WORKS = ("training step", "adversarial step", "FGSM sweep", "PGD", "LIME")
BODIES = {  # of random weights, in the sizes of xlnet-base-cased and all-MiniLM-L6-v2
    "aplc_xlnet": {"width": 768, "layers": 12, "heads": 12, "inner": 3072},
    "aplc_bert": {"width": 384, "layers": 6, "heads": 12, "inner": 1536},
}
END_TO_END = (("reuters21578", "xml_cnn"), ("tibkat", "aplc_bert"), ("tibkat", "attention_xml"))
TERMS, LABELS, DOCUMENTS, MEAN_TOKENS = 20_000, 1_000, 512, 120
REPEATS, ATTACKED = 3, 64


class Row(NamedTuple):
    recipe: str
    work: str
    here: float  # seconds, on the device
    on_cpu: float


@dataclass(frozen=True)
class Clock:
    """How much of the time is left."""

    ends: float

    @property
    def left(self) -> float:
        return self.ends - time.monotonic()


def simulated(seed: int) -> EncodedCorpus:
    """Return documents of made-up words with made-up labels."""
    rng = np.random.default_rng(seed)
    lengths = rng.lognormal(np.log(MEAN_TOKENS) - 0.25, 0.7, DOCUMENTS).astype(np.int64).clip(1, 250)
    counts = 1 + rng.poisson(3, DOCUMENTS)
    tokens, labels = (
        np.searchsorted(np.cumsum(1 / np.arange(1, kinds + 1)), rng.random(size) * np.log(kinds)).clip(max=kinds - 1)
        for kinds, size in ((TERMS, lengths.sum()), (LABELS, counts.sum()))
    )
    tokens = (len(SPECIAL_TOKENS) + tokens).astype(np.int32)
    split = Split(tokens, np.cumsum([0, *lengths]), labels.astype(np.int32), np.cumsum([0, *counts]))
    vocabulary = Vocabulary([f"t{number}" for number in range(TERMS)])
    return EncodedCorpus(
        vocabulary,
        [f"l{number}" for number in range(LABELS)],
        "whitespace",
        250,
        splits={"train": split, "test": split},
    )


class Bench:
    """One recipe, and the same weights on every device."""

    def __init__(self, name: str, recipe: Model, data: EncodedCorpus, params: Params) -> None:
        self._name, self._recipe, self._data, self._params = name, recipe, data, params
        self._split = data.splits["train"]

    def build(self, device: torch.device) -> Classifier:
        """Return the classifier, prepared, on `device`."""
        network, width = self._recipe.network, self._recipe.embedding.dimension
        if body := BODIES.get(self._name):
            network = network.model_validate(network.model_dump() | {"checkpoint": "none", "body": body})
            width = body["width"]
        torch.manual_seed(self._params.seed)
        vectors = random_vectors(self._data.vocabulary, width, self._params.seed)
        model = build_model(self._recipe.architecture, vectors, LABELS, network)
        model.prepare(self._split, self._params.seed)
        return model.to(device)

    def works(self, device: torch.device) -> dict[str, Callable[[], object]]:
        """Return what is measured on `device`, by name."""
        model = self.build(device)
        steps = (self._step(model, self._params.regime_of(regime)) for regime in ("clean", "adversarial"))
        others = (partial(work, model) for work in (self._sweep, self._pgd, self._lime))
        return dict(zip(WORKS, (*steps, *others), strict=True))

    def _step(self, model: Classifier, regime: Regime) -> Callable[[], None]:
        options, rng = self._recipe.training, np.random.default_rng(0)
        optimisation = Optimisation(model, options)

        def step() -> None:
            torch.set_float32_matmul_precision(options.matmul_precision)
            model.train()
            chosen = rng.permutation(DOCUMENTS)[: options.batch_size]
            tokens = pad([self._split.document(i) for i in chosen])
            model.zero_grad()
            hybrid_backward(model, tokens, true_labels(self._split, chosen), regime, Reduction(options.loss_reduction))
            optimisation.step()

        return step

    def _sweep(self, model: Classifier) -> None:
        self._exactly(model)
        some = self._split.part(0, ATTACKED)
        fgsm_sweep(model, some, epsilons=self._params.fgsm.epsilons, settings=[Setting("none", "aware")], bits=8)

    def _pgd(self, model: Classifier) -> None:
        self._exactly(model)
        chosen = np.arange(ATTACKED // 4)
        labels = true_labels(self._split, chosen).to(model.device)
        with torch.no_grad():
            batch = model.distinct(pad([self._split.document(i) for i in chosen]))
        attacked = Documents(model, batch.embeddings(), batch.mask, labels.targets(labels.ids, LABELS))
        for _ in pgd(attacked, ball=LInfinity(0.01), objective=margin, steps=5, step_size=0.4):
            pass

    def _lime(self, model: Classifier) -> None:
        self._exactly(model)
        words = [self._data.vocabulary.tokens[token] for token in self._split.document(0)]
        scorer = Predictor(model, self._data, self._params.explain.batch_size)
        lime_surrogates(words, scorer, [0, 1, 2], samples=256, top_tokens=10, seed=[0], batch_size=256)

    @staticmethod
    def _exactly(model: Classifier) -> None:
        torch.set_float32_matmul_precision("highest")
        model.eval()


def awaited(work: Callable[[], object], device: torch.device) -> Callable[[], None]:
    """Return `work` as a GPU has done it, and not only been told of it."""

    def done() -> None:
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        elif device.type == "mps":
            torch.mps.synchronize()

    return done


def in_turns(device: torch.device, clock: Clock) -> Iterator[Row]:
    """Compare every recipe's works on `device` with those on the CPU."""
    params = load_params(ROOT / "params.yaml")
    data = simulated(params.seed)
    for name in RECIPES:
        bench = Bench(name, params.model[name], data, params)
        sides: tuple[dict[str, Callable[[], object]], ...] = ()
        for work in WORKS:
            if clock.left < 0:
                yield Row(name, work, math.nan, math.nan)
                continue
            sides = sides or (bench.works(device), bench.works(CPU))
            here, there = (side[work] for side in sides)
            found = compare(work, awaited(here, device), there, REPEATS)
            yield Row(name, work, found.ours, found.reference)


def test_on(device: torch.device) -> str:
    """Return what pytest says of tests/device on `device`; for a CPU, on the accelerator that only pretends."""
    place = {} if device.type == "cpu" else {"XMLCORE_TEST_DEVICE": f"{device.type}:{device.index or 0}"}
    command = [sys.executable, "-m", "pytest", "-m", "", "-o", "addopts=", str(ROOT / "tests" / "device")]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | place, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("FAILED") or " passed" in line]
    return "\n".join(lines) or f"pytest ended with {done.returncode}"


def end_to_end(folder: Path, device: torch.device, clock: Clock) -> Iterator[tuple[str, str, str]]:
    """Train and evaluate real corpora; yield corpus, recipe, and what came of it."""
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load(ROOT / "params.yaml")
    params["device"] = device.type
    yaml.dump(params, folder / "params.yaml")
    for corpus, model in END_TO_END:
        yield corpus, model, trained(folder, corpus, model, clock)


def trained(folder: Path, corpus: str, model: str, clock: Clock) -> str:
    """Run the stages from the download to the evaluation; return seconds and P@1, or why there are none."""
    recipe = load_params(folder / "params.yaml").model_of(corpus, model)
    checkpoints = [name for name in (recipe.embedding.checkpoint,) if name]
    cell = (corpus, model, "clean", "bce")
    commands = [("fetch", corpus), *(("fetch", name) for name in checkpoints), ("convert", corpus)]
    commands += [(stage, corpus, model) for stage in ("configure", "encode", "build_embedding")]
    seconds = {}
    for stage, *arguments in (*commands, ("train", *cell), ("evaluate", *cell)):
        if clock.left < 1:
            return f"no time left for {stage}"
        began = time.monotonic()
        command = [sys.executable, str(ROOT / "stages" / f"{stage}.py"), *arguments]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=clock.left
            )
        except subprocess.TimeoutExpired:
            return f"no time left in {stage}"
        if done.returncode:
            return f"{stage}: {done.stderr.strip().splitlines()[-1]}"
        seconds[stage] = time.monotonic() - began
    metrics = json.loads((folder / "metrics" / Path(*cell) / "eps=0.00.json").read_text())
    return f"training {seconds['train']:.0f} s, evaluation {seconds['evaluate']:.0f} s, P@1 {metrics['P@1']}"


def described(device: torch.device) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return f"{name}, torch {torch.__version__}, CUDA {torch.version.cuda}, {torch.get_num_threads()} threads of the CPU"


def main(
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps")] = "auto",
    minutes: Annotated[float, typer.Option(help="after which nothing new begins", min=0)] = 8.0,
) -> None:
    """Compare a GPU with the CPU."""
    chosen, clock = choose_device(device), Clock(time.monotonic() + 60 * minutes)
    tests = test_on(chosen)
    console = Console(width=120)
    speeds = Table("recipe", "what", "device, s", "CPU, s", "ratio")
    for row in in_turns(chosen, Clock(time.monotonic() + clock.left / 2)):
        figures = (f"{row.here:.4f}", f"{row.on_cpu:.4f}", f"{row.on_cpu / row.here:.1f}")
        speeds.add_row(row.recipe, row.work, *(("no time left",) if math.isnan(row.here) else figures))
    ends = Table("corpus", "recipe", "end to end")
    with tempfile.TemporaryDirectory() as folder:
        for found in end_to_end(Path(folder), chosen, clock):
            ends.add_row(*found)
    console.print(described(chosen), f"tests/device: {tests}", speeds, ends, sep="\n")


if __name__ == "__main__":
    run(main)
