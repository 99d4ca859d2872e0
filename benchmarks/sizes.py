"""What corpora of the sizes of Wikipedia-31K and AmazonCat-13K take: `python benchmarks/sizes.py wiki10-31k`.

Simulates raw texts with the numbers of Qaraei and Babbar 2021, table 2: words by Zipf's law, log-normal lengths, some
labels nearly everywhere and each somewhere. They say nothing: what counts is how many there are. The stages fetch and
convert them and, for each recipe, encode them and build its embedding, all of them. Then each recipe is trained for
some seconds, before and after its epoch is selected, and evaluated on some documents, clean and over all epsilons;
hours are those that an epoch, or the whole test split, would take at that pace. Every row is a process of its own,
whose peak of memory is told. `aplc_xlnet` begins from random weights of the size of XLNet's base model.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

from xmlcore.common import paths
from xmlcore.common.allocator import keep_freed_memory
from xmlcore.common.checkpoints import Checkpoint
from xmlcore.common.cli import run, track
from xmlcore.common.timing import GIB, UNIT, measured
from xmlcore.config.params import Params, load_params
from xmlcore.config.recipes import read_architecture, read_training
from xmlcore.data.dataset import EncodedCorpus, Split, load_encoded
from xmlcore.data.vector_tables import load_vectors
from xmlcore.evaluation.fgsm_sweep import Setting, fgsm_sweep, squeezing_settings
from xmlcore.models.registry import build_model, load_model, save_model
from xmlcore.ranking.calibration import calibrate, calibration_figures
from xmlcore.ranking.predictions import BATCH_SIZE, Predictions, predict
from xmlcore.ranking.summary import summarise
from xmlcore.training.loop import STORED, train

ROOT = Path(__file__).parent.parent
REGIME, LOSS = "clean", "bce"
EXPONENT, SHIFT = 1.05, 2.7  # of the law of Zipf and Mandelbrot
SPREAD = 0.8  # of the logarithm of the lengths
CHUNK = 2_000  # documents written at a time
MODELS = ("xml_cnn", "attention_xml", "bag_of_words", "mach", "aplc_xlnet")
XLNET_BASE = {"width": 768, "layers": 12, "heads": 12, "inner": 3072}
SYLLABLES = ["".join(pair) for pair in product("bcdfghjklmnprstvwxyz", "aeiou")]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Sizes:
    train: int
    test: int
    words: int  # of a document, on average
    labels: int
    labels_of_each: float
    kinds: int  # of words


CORPORA = {
    "wiki10-31k": Sizes(14_146, 6_616, 2_400, 30_938, 18.6, 1_000_000),
    "amazoncat-13k": Sizes(1_186_239, 306_782, 250, 13_330, 5.04, 3_000_000),
}


class Row(NamedTuple):
    """What one process took; seconds are those of its processor, whatever else runs."""

    work: str
    seconds: float
    peak_gib: float
    documents_per_second: float
    of: int  # documents that a whole pass has

    @property
    def hours(self) -> float:
        return self.of / self.documents_per_second / 3600


def write_texts(folder: Path, corpus: str, sizes: Sizes, seed: int) -> None:
    """Write CORPUS_{train,test}.txt, `labels<TAB>text`, into `folder`, which exists."""
    rng = np.random.default_rng(seed)
    words = np.array([spelled(rank) for rank in range(sizes.kinds)], object)
    for split, documents in (("train", sizes.train), ("test", sizes.test)):
        once = np.array_split(rng.permutation(max(sizes.labels, documents)), documents) if split == "train" else []
        drawn = sizes.labels_of_each - (sizes.labels / documents if once else 0)
        texts = draws(rng, lengths(rng, documents, sizes.words), sizes.kinds)
        labels = draws(rng, rng.poisson(drawn, documents), sizes.labels)
        with (folder / f"{corpus}_{split}.txt").open("w") as file:
            for number, text in enumerate(track(texts, f"{corpus} {split}", total=documents)):
                own = {*next(labels).tolist(), *(once[number].tolist() if once else [])}
                names = " ".join(f"l{label}" for label in sorted(own) if label < sizes.labels)
                file.write(f"{names}\t{' '.join(words[text])}\n")


def spelled(rank: int) -> str:
    """Return a word for the `rank` of its frequency: the rarer, the longer."""
    word = ""
    rank += 1
    while rank:
        rank, syllable = divmod(rank - 1, len(SYLLABLES))
        word += SYLLABLES[syllable]
    return word


def lengths(rng: np.random.Generator, documents: int, mean: int) -> np.ndarray:
    return rng.lognormal(np.log(mean) - SPREAD**2 / 2, SPREAD, documents).astype(np.int64).clip(1)


def draws(rng: np.random.Generator, counts: np.ndarray, kinds: int) -> Iterator[np.ndarray]:
    """Yield `counts` (N,) ranks below `kinds` for each document, drawn by the law of Zipf and Mandelbrot."""
    cumulative = np.cumsum((np.arange(kinds) + SHIFT) ** -EXPONENT)
    for start in range(0, len(counts), CHUNK):
        some = counts[start : start + CHUNK]
        ranks = np.searchsorted(cumulative, rng.random(some.sum()) * cumulative[-1])
        yield from np.split(ranks.clip(max=kinds - 1), np.cumsum(some)[:-1])


def prepare(corpus: str, seed: int) -> None:
    """Write params.yaml here, and raw texts of the `corpus` into the folder `mirror`, if there are none."""
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load(ROOT / "params.yaml")
    files = {f"{corpus}_{split}.txt": {"url": None} for split in ("train", "test")}
    params["corpus"][corpus]["fetch"] = {"files": files}
    params["checkpoint"]["xlnet-base-cased"] = {"tiny": {"vocabulary": 32_000, "body": XLNET_BASE}}
    yaml.dump(params, Path("params.yaml"))
    texts = Path("mirror", corpus)
    if not texts.exists():
        texts.mkdir(parents=True)
        alone(write_texts, texts, corpus, CORPORA[corpus], seed)


def run_stage(stage: str, *arguments: str, documents: int) -> Row:
    """Run a stage in a process of its own. Raises `CalledProcessError` where it fails."""
    command = [sys.executable, str(ROOT / "stages" / f"{stage}.py"), *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XMLCORE_MIRROR": "mirror"}
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise subprocess.CalledProcessError(status, command)
    seconds = usage.ru_utime + usage.ru_stime
    return Row(stage, round(seconds, 1), round(usage.ru_maxrss * UNIT / GIB, 2), documents / seconds, documents)


def alone(work: Callable[..., Result], *arguments: Any) -> Result:
    """Return what `work` returns in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, *arguments).result()


class Some:
    """A `track` that ends each epoch after so many `seconds`, and knows the pace of the first one's batches."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.documents_per_second = 0.0

    def __call__(self, batches: Iterable[np.ndarray], description: str, total: int | None = None) -> Iterator[Any]:
        began = started = time.process_time()
        documents = 0
        for number, batch in enumerate(batches):
            if number == 1:  # what the first one takes is not the pace
                started = time.process_time()
            yield batch
            documents += len(batch) if number else 0
            if number and time.process_time() - began > self._seconds:
                break
        self.documents_per_second = self.documents_per_second or documents / (time.process_time() - started)


def train_some(corpus: str, model: str, seconds: float, documents: int) -> Row:
    """Train for `seconds`, twice where the recipe says refit, as `stages/train.py` does; validate on `documents`."""
    keep_freed_memory()
    params, recipe = load_params(), paths.recipe(corpus, model)
    architecture, network = read_architecture(recipe)
    data, pace = load_encoded(paths.encoded(corpus, model)), Some(seconds)
    checkpoint = Checkpoint(Path("checkpoint.safetensors"), f"{corpus} {model}")
    with measured() as cost:
        outcome = train(
            build=lambda table: build_model(architecture, table, len(data.label_names), network),
            vectors=load_vectors(paths.embedding(corpus, model), data.vocabulary),
            training=data.splits["train"],
            validation=data.splits["validation"].part(0, documents),
            options=read_training(recipe).model_copy(update={"epochs": 1}),
            regime=params.regime_of(REGIME),
            loss=params.loss_of(LOSS),
            seed=params.seed,
            log=lambda epoch: None,
            track=pace,
            checkpoint=checkpoint,
        )
        folder = Path("trained", model)
        folder.mkdir(parents=True, exist_ok=True)
        save_model(folder, outcome.model, architecture, network)
    checkpoint.remove()
    return row("train", cost, pace.documents_per_second, len(data.splits["train"]))


def predict_some(corpus: str, model: str, documents: int) -> Row:
    """Predict `documents` test documents, and work out the figures of as many as there are."""
    keep_freed_memory()
    params, data = load_params(), load_encoded(paths.encoded(corpus, model))
    classifier, test = load_model(Path("trained", model)), data.splits["test"]
    with measured() as cost:
        started = time.process_time()
        at_once = read_training(paths.recipe(corpus, model)).at_once(BATCH_SIZE)
        some = predict(classifier, test.part(0, documents), params.predict.labels, batch_size=at_once)
        pace = len(some.labels) / (time.process_time() - started)
        work_out(data, params)
    return row("predict", cost, pace, len(test))


def work_out(data: EncodedCorpus, params: Params) -> None:
    """Work out ranking and calibration as `stages/evaluate.py` does, of made-up predictions of all documents."""
    rng, labels = np.random.default_rng(0), len(data.label_names)

    def made_up(split: Split, k: int) -> Predictions:
        found = rng.integers(0, labels, (len(split), k), np.int32)
        return Predictions(found, np.sort(rng.random(found.shape, np.float32), 1)[:, ::-1])

    validation, test = data.splits["validation"], data.splits["test"]
    calibration = calibrate(made_up(validation, STORED), validation, labels, params.predict.precisions)
    predictions = made_up(test, params.predict.labels)
    calibration_figures(predictions, test, labels, calibration)
    summarise(predictions, data, params.propensity, params.metrics.frequency_bins)


def attack_some(corpus: str, model: str, documents: int) -> Row:
    """Attack `documents` test documents by FGSM in all settings and sizes, as `stages/evaluate.py` does."""
    keep_freed_memory()
    params, data = load_params(), load_encoded(paths.encoded(corpus, model))
    classifier, test = load_model(Path("trained", model)), data.splits["test"]
    defended = Setting(params.regime_of(REGIME).squeeze, "aware")
    at_once = read_training(paths.recipe(corpus, model)).at_once(BATCH_SIZE)
    sweep = partial(fgsm_sweep, classifier, test.part(0, documents), bits=params.fgsm.bits, batch_size=at_once)
    with measured() as cost:
        started = time.process_time()
        sweep(epsilons=params.fgsm.epsilons, settings=squeezing_settings(defended))
        sweep(epsilons=params.fgsm.relative_sizes, settings=[defended])
        pace = min(documents, len(test)) / (time.process_time() - started)
    return row("fgsm", cost, pace, len(test))


def row(work: str, cost: dict[str, float], pace: float, documents: int) -> Row:
    return Row(work, round(time.process_time(), 1), cost["peak_memory_gib"], pace, documents)


def rows(corpus: str, models: list[str], seconds: float, documents: int) -> Iterator[tuple[str, Row]]:
    """Yield each row with the recipe that it is of, the corpus itself having none."""
    sizes = CORPORA[corpus]
    everything = sizes.train + sizes.test
    if "aplc_xlnet" in models:
        run_stage("fetch", "xlnet-base-cased", documents=1)
    for stage in ("fetch", "convert"):
        yield "", run_stage(stage, corpus, documents=everything)
    for number, model in enumerate(models):
        run_stage("configure", corpus, model, documents=everything)
        done = models[:number]
        if not shared(corpus, model, done, paths.encoded, "encode"):
            yield model, run_stage("encode", corpus, model, documents=everything)
        if not shared(corpus, model, done, paths.embedding, "encode", "embedding"):
            yield model, run_stage("build_embedding", corpus, model, documents=sizes.train)
        yield model, alone(train_some, corpus, model, seconds, documents)
        yield model, alone(predict_some, corpus, model, documents)
        yield model, alone(attack_some, corpus, model, documents)


def shared(corpus: str, model: str, others: list[str], place: Callable[[str, str], Path], *parts: str) -> bool:
    """Whether one of the `others` has these `parts` of the recipe in common with `model`, which gets its folder."""
    for other in others:
        one, two = paths.recipe(corpus, model), paths.recipe(corpus, other)
        if all((one / f"{part}.json").read_bytes() == (two / f"{part}.json").read_bytes() for part in parts):
            if not place(corpus, model).exists():
                place(corpus, model).symlink_to(place(corpus, other).absolute())
            return True
    return False


def main(
    corpus: str,
    models: Annotated[str, typer.Option(help="recipes, with commas")] = ",".join(MODELS),
    seconds: Annotated[float, typer.Option(help="of each training, before and after the selection")] = 60,
    documents: Annotated[int, typer.Option(help="that are predicted and attacked")] = 256,
    folder: Annotated[Path | None, typer.Option(help="kept, with its texts, for the next time")] = None,
    seed: int = 0,
) -> None:
    """Measure a CORPUS of the size of wiki10-31k or amazoncat-13k."""
    table = Table("recipe", "what", "seconds", "peak GiB", "documents/s", "documents", "hours")
    with tempfile.TemporaryDirectory() as temporary:
        place = folder or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        os.chdir(place)
        prepare(corpus, seed)
        for model, each in rows(corpus, models.split(","), seconds, documents):
            print(json.dumps({"corpus": corpus, "recipe": model} | each._asdict()), flush=True)
            pace = f"{each.documents_per_second:,.1f}"
            table.add_row(
                model, each.work, f"{each.seconds}", f"{each.peak_gib}", pace, f"{each.of:,}", f"{each.hours:.2f}"
            )
    Console(width=120).print(table)


if __name__ == "__main__":
    run(main)
