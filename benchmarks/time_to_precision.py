"""The time that training takes to a given P@1, linear peers beside: `python benchmarks/time_to_precision.py tibkat`.

Reads, for each recipe, its folder and data/CORPUS/encoded. Each trains on the training split in a process of its own;
P@1 is of the validation split, eight times an epoch, without weight averaging. What is asked for is the P@1 of the best
linear classifier. Times are of the processor, from the encoded documents on: tf-idf or initial vectors, what is
prepared, training; not evaluation. The linear classifiers are ours and, where they are installed, omikuji's Parabel and
LibMultiLabel's tree: `pip install omikuji libmultilabel liblinear-multicore`. Prints a table and writes
benchmarks/CORPUS-time.json.
"""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer

from xmlcore.baselines.linear import fit_linear
from xmlcore.common import paths
from xmlcore.common.allocator import keep_freed_memory
from xmlcore.common.cli import run, track
from xmlcore.common.files import write_json
from xmlcore.config.params import load_params
from xmlcore.config.recipes import read_architecture, read_embedding, read_training
from xmlcore.data.dataset import EncodedCorpus, load_encoded
from xmlcore.data.sparse_matrices import count_matrix, label_matrix
from xmlcore.data.word_vectors import build_vectors
from xmlcore.models.base import Classifier
from xmlcore.models.losses import label_prior, label_weights
from xmlcore.models.registry import build_model
from xmlcore.ranking.metrics import hits, precision_at_k
from xmlcore.ranking.predictions import BATCH_SIZE, predict
from xmlcore.training.loop import train

MODELS = "bag_of_words_ridge,bag_of_words,mach,xml_cnn"
REGIME = "clean"
LOOKS = 8  # an epoch


class Point(NamedTuple):
    """P@1 on validation after so many seconds of the processor, and what has been done until then."""

    seconds: float
    precision: float
    done: str


@dataclass(frozen=True)
class Course:
    name: str
    points: list[Point]

    def reached(self, precision: float) -> Point | None:
        """Return the first point of that P@1."""
        return next((point for point in self.points if point.precision >= precision), None)

    @property
    def best(self) -> Point:
        return max(self.points, key=lambda point: point.precision)


def precision_of(best: np.ndarray, data: EncodedCorpus) -> float:
    """Return P@1 of the labels (N,) that are ranked first for the validation documents."""
    validation = data.splits["validation"]
    return precision_at_k(hits(best[:, None], validation, np.arange(len(validation))), 1)


def our_linear(corpus: str, model: str) -> Course:
    """Return what the linear classifier of the stage `baseline` takes."""
    params, data = load_params(), load_encoded(paths.encoded(corpus, model))
    started = time.process_time()
    labels, words = len(data.label_names), len(data.vocabulary)
    classifier = fit_linear(data.splits["train"], labels, words, params.baseline, params.seed)
    seconds = time.process_time() - started
    best = predict(classifier, data.splits["validation"], 1).labels[:, 0]
    return Course("linear", [Point(seconds, precision_of(best, data), "trained")])


def omikuji_parabel(corpus: str, model: str) -> Course:
    """Return what omikuji's Parabel, three trees, takes on the same tf-idf."""
    import omikuji

    data = load_encoded(paths.encoded(corpus, model))
    started = time.process_time()
    features, features_of_validation, truth = _matrices(data)
    seconds = time.process_time() - started
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(f"{features.shape[0]} {features.shape[1]} {truth.shape[1]}\n")
        for row, labels in zip(features, truth, strict=True):
            values = " ".join(f"{word}:{value:.6f}" for word, value in zip(row.indices, row.data, strict=True))
            file.write(f"{','.join(map(str, labels.indices))} {values}\n")
        file.flush()
        written = time.process_time()
        classifier = omikuji.Model.train_on_data(file.name, n_threads=1)
        seconds += time.process_time() - written
    rows = ([*zip(row.indices.tolist(), row.data.tolist(), strict=True)] for row in features_of_validation)
    best = np.array([classifier.predict(row, top_k=1)[0][0] for row in rows])
    return Course("omikuji, Parabel", [Point(seconds, precision_of(best, data), "trained")])


def libmultilabel_tree(corpus: str, model: str) -> Course:
    """Return what LibMultiLabel's label tree takes on the same tf-idf, by its own defaults."""
    from libmultilabel import linear

    data = load_encoded(paths.encoded(corpus, model))
    started = time.process_time()
    features, features_of_validation, truth = _matrices(data)
    classifier = linear.train_tree(truth, features, verbose=False)
    seconds = time.process_time() - started
    best = np.concatenate([part.argmax(1) for part in _predicted(classifier, features_of_validation)])
    return Course("LibMultiLabel, tree", [Point(seconds, precision_of(best, data), "trained")])


def _matrices(data: EncodedCorpus) -> tuple[sparse.csr_matrix, sparse.csr_matrix, sparse.csr_matrix]:
    """Return tf-idf of the training and of the validation documents, and the labels of the former."""
    training, validation = data.splits["train"], data.splits["validation"]
    counts = count_matrix(training, len(data.vocabulary))
    weighting = TfidfTransformer(sublinear_tf=True).fit(counts)
    of_validation = weighting.transform(count_matrix(validation, len(data.vocabulary)))
    return weighting.transform(counts), of_validation, label_matrix(training, len(data.label_names))


def _predicted(classifier: Any, features: sparse.csr_matrix) -> Iterator[np.ndarray]:
    for start in range(0, features.shape[0], BATCH_SIZE):
        yield np.asarray(classifier.predict_values(features[start : start + BATCH_SIZE]))


class Clock:
    """A `track` that knows the processor time up to the first batch, and that of the epochs: all but evaluation.

    It calls `look` with the number of epochs that are over, eight times in each.
    """

    def __init__(self, look: Callable[[float], None]) -> None:
        self._look, self._began = look, time.process_time()
        self._epochs, self.seconds = 0, 0.0

    def __call__(self, batches: Iterable[np.ndarray], description: str, total: int) -> Iterator[Any]:
        if not self.seconds:
            self.seconds = time.process_time() - self._began
        parts = {round(total * part / LOOKS): part / LOOKS for part in range(1, LOOKS + 1)}
        for step, batch in enumerate(batches, 1):
            started = time.process_time()
            yield batch
            self.seconds += time.process_time() - started
            if step in parts:
                self._look(self._epochs + parts[step])
        self._epochs += 1


def network(corpus: str, model: str, loss: str, epochs: int) -> Course:
    """Return the course of a recipe's training: before the first step, and at each eighth of an epoch.

    Two tables of initial vectors are built, of which selection reads one: their time counts half.
    """
    keep_freed_memory()
    params, data, recipe = load_params(), load_encoded(paths.encoded(corpus, model)), paths.recipe(corpus, model)
    (architecture, shape), labels = read_architecture(recipe), len(data.label_names)
    options = read_training(recipe)
    options = options.model_copy(update={"epochs": min(epochs, options.epochs), "refit": False})
    training, validation = data.splits["train"], data.splits["validation"]
    started = time.process_time()
    vectors = build_vectors(data, read_embedding(recipe), paths.VECTORS, params.seed).vectors
    before = (time.process_time() - started) / 2
    learning, points = list[Classifier](), list[Point]()

    def build(table: np.ndarray) -> Classifier:
        learning[:] = [build_model(architecture, table, labels, shape)]
        return learning[0]

    def note(seconds: float, done: str) -> None:
        """Note P@1 of the model that is learning, and where its course is by then."""
        model = learning[0]
        was_training = model.training
        best = predict(model, validation, 1, batch_size=options.at_once(BATCH_SIZE)).labels[:, 0]
        model.train(was_training)
        points.append(Point(before + seconds, precision_of(best, data), done))

    started = time.process_time()
    torch.manual_seed(params.seed)
    untrained = build(vectors.selection)
    untrained.prepare(training, params.seed)
    if options.prior_bias:
        weights = label_weights(params.loss_of(loss), training, labels)
        untrained.initialise_output(label_prior(training, labels) + weights.log())
    note(time.process_time() - started, "untrained")
    del untrained, learning[0]
    clock = Clock(lambda epochs: note(clock.seconds, f"{epochs:g} epochs"))
    train(
        build=build,
        vectors=vectors,
        training=training,
        validation=validation,
        options=options,
        regime=params.regime_of(REGIME),
        loss=params.loss_of(loss),
        seed=params.seed,
        log=lambda epoch: None,
        track=clock,
    )
    return Course(model, points)


def alone(work: Callable[..., Course], *arguments: Any) -> Course:
    """Return what `work` returns in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, *arguments).result()


def main(
    corpus: str,
    models: Annotated[str, typer.Option(help="recipes, with commas")] = MODELS,
    loss: Annotated[str, typer.Option(help="of the recipes")] = "bce",
    epochs: Annotated[int, typer.Option(help="of a recipe, at most", min=1)] = 100,
) -> None:
    """Measure the time of training to a given P@1 on the validation documents of CORPUS."""
    params, recipes = load_params(), models.split(",")
    for model in recipes:
        params.model_of(corpus, model)
    peers = [our_linear]
    peers += [omikuji_parabel] if find_spec("omikuji") else []
    peers += [libmultilabel_tree] if find_spec("libmultilabel") and find_spec("sparsekmeans") else []
    works = [partial(alone, peer, corpus, recipes[0]) for peer in peers]
    works += [partial(alone, network, corpus, model, loss, epochs) for model in recipes]
    courses = [work() for work in track(works, "trainings")]
    asked = max(course.best.precision for course in courses[: len(peers)])
    table = Table(
        "", f"seconds to P@1 {100 * asked:.1f}", "by then", "best P@1", "seconds to it", "by then", title=corpus
    )
    for course in courses:
        point, best = course.reached(asked), course.best
        reached = (f"{point.seconds:.1f}", point.done) if point else ("", "")
        table.add_row(course.name, *reached, f"{100 * best.precision:.2f}", f"{best.seconds:.1f}", best.done)
    Console(width=120).print(table)
    write_json(Path("benchmarks", f"{corpus}-time.json"), [asdict(course) for course in courses])


if __name__ == "__main__":
    run(main)
