"""Training from lists, without a pipeline: a scikit-learn estimator over the code that the stages run.

>>> texts = ["wheat and corn harvest", "corn prices rise", "tanker leaves the harbour", "harbour strike"] * 5
>>> labels = [["grain"], ["grain", "prices"], ["ship"], ["ship"]] * 5
>>> classifier = XMLClassifier("bag_of_words", epochs=5).fit(texts, labels)
>>> classifier.classes_
['grain', 'prices', 'ship']
>>> classifier.predict_labels("a tanker in the harbour", top=1)[0].title
'ship'
>>> classifier.predict(["corn harvest"]).shape
(1, 3)
"""

import tempfile
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

from xmlcore.common.device import choose_device
from xmlcore.common.errors import UserError
from xmlcore.common.files import atomic_directory
from xmlcore.common.yaml_files import load_yaml
from xmlcore.config.params import Encode, Loss, Model, Predict, Regime, model_of, override
from xmlcore.corpora.label_titles import TITLES, write_titles
from xmlcore.corpora.records import Record, one_line, one_token, write_records
from xmlcore.data.dataset import EncodedCorpus, load_encoded, statistics
from xmlcore.data.encoding import encode_corpus
from xmlcore.data.tokens import WORD_TOKENIZERS
from xmlcore.data.word_vectors import build_vectors
from xmlcore.models.base import with_embeddings
from xmlcore.models.registry import build_model, save_model
from xmlcore.ranking.calibration import calibrate, calibration_figures
from xmlcore.ranking.metrics import TOP, hits, ranking_metrics
from xmlcore.ranking.predictions import untracked
from xmlcore.serving.model_card import Facts, model_card, network_training
from xmlcore.serving.model_folder import Defence, StoredModel, load_model_folder, write_model_folder
from xmlcore.serving.text_classifier import Attacked, Label, TextClassifier, Words
from xmlcore.training.loop import Outcome, train

Labels: TypeAlias = Sequence[Sequence[str]] | np.ndarray | Any  # or a sparse matrix
CLEAN = Regime(epsilon=0.0, adversarial_weight=0.0, adversarial_share=1.0, squeeze="none")
ADVERSARIAL = Regime(epsilon=0.1, adversarial_weight=0.3, adversarial_share=0.25, squeeze="embeddings")
RECIPES = Path(__file__).parent / "recipes.yaml"
NAME = "fitted"


class XMLClassifier(ClassifierMixin, BaseEstimator):
    """An extreme multi-label text classifier, by the conventions of scikit-learn.

    `X` is a sequence of texts; `y` the labels of each, names or a 0/1 matrix (N, L), whose labels are then called by
    their column. `predict` returns such a matrix, in the order of `classes_`.
    """

    def __init__(
        self,
        recipe: str = "mach",
        *,
        adversarial: bool = False,
        loss: Loss | None = None,
        epochs: int | None = None,
        validation_fraction: float = 0.25,
        threshold: float | str = "micro_f1",
        seed: int = 7,
        device: str = "cpu",
        changes: dict[str, Any] | None = None,
    ) -> None:
        """Keep what `fit` will need.

        `recipe` is one of `recipes()`; `changes` override it, such as {"network": {"buckets": 500}}, `encode`,
        `embedding`, `network` or `training`. `adversarial` trains against FGSM; `loss` weighs labels. `threshold` is
        what `predict` takes, see `TextClassifier.predict`; `device` is auto, cpu, cuda or mps.
        """
        self.recipe, self.adversarial, self.loss, self.epochs = recipe, adversarial, loss, epochs
        self.validation_fraction, self.threshold, self.changes = validation_fraction, threshold, changes
        self.seed, self.device = seed, device

    def fit(
        self, X: Sequence[str], y: Labels, validation: tuple[Sequence[str], Labels] | None = None
    ) -> "XMLClassifier":
        """Train on texts `X` with labels `y`, and return this.

        The epoch, the temperature and the thresholds are chosen on `validation`, or on a share of the texts drawn by
        the seed. Raises `UserError` for what cannot be trained on.
        """
        options = recipe_of(self.recipe, self.changes, self.epochs)
        encode = override(Encode(validation_fraction=self.validation_fraction), options.encode, "encode")
        names = _Names()
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            corpus = _encoded(folder, list(_records(X, y, names)), validation, names, encode, self.seed)
            weights, stored = folder / "weights", folder / "model"
            weights.mkdir()
            stored.mkdir()
            outcome = self._train(corpus, options)
            save_model(weights, outcome.model, options.architecture, options.network)
            self._write(stored, weights, corpus, outcome, options)
            self._use(load_model_folder(stored, choose_device(self.device)), options)
        return self

    @property
    def classifier_(self) -> TextClassifier:
        """The trained model for texts. Raises `NotFittedError` before `fit`."""
        if not hasattr(self, "_classifier"):
            raise NotFittedError("call `fit` first")
        return self._classifier

    def predict(self, X: Sequence[str]) -> np.ndarray:
        """Return the labels of texts as a 0/1 matrix (N, L)."""
        columns = {name: i for i, name in enumerate(self.classifier_.labels)}
        found = np.zeros((len(X), len(columns)), np.int64)
        for row, labels in zip(found, self.classifier_.stream(X, len(columns), self.threshold), strict=True):
            row[[columns[label.name] for label in labels]] = 1
        return found

    def predict_proba(self, X: Sequence[str], labels: Sequence[str] | None = None) -> np.ndarray:
        """Return the calibrated probabilities (N, K) of `labels`, or of all, for texts."""
        return self.classifier_.predict_proba(list(X), labels)

    def predict_labels(self, text: str, top: int = TOP, threshold: float | str | None = None) -> list[Label]:
        """Return the best labels of one text (`TextClassifier.predict`)."""
        return self.classifier_.predict(text, top, threshold)

    def explain(self, text: str, label: str | None = None, **options: Any) -> Words:
        """Return why `text` has `label` (`TextClassifier.explain`)."""
        return self.classifier_.explain(text, label, **options)

    def attack(self, text: str, label: str | None = None, **options: Any) -> Attacked:
        """Return what an attacker makes of `text` (`TextClassifier.attack`)."""
        return self.classifier_.attack(text, label, **options)

    def score(self, X: Sequence[str], y: Labels, sample_weight: np.ndarray | None = None) -> float:
        """Return P@1: the share of texts whose most probable label is a true one."""
        true = [{*labels} for labels in _label_names(y)]
        best = [labels[0].title for labels in self.classifier_.stream(X, 1)]
        right = [label in of_text for label, of_text in zip(best, true, strict=True)]
        return float(np.average(right, weights=sample_weight))

    def save(self, folder: str | Path) -> Path:
        """Write a model folder that stands alone (`xmlcore.serving.model_folder`), and return where it is."""
        path = Path(folder)
        with tempfile.TemporaryDirectory() as weights, atomic_directory(path) as destination:
            stored, options = self.classifier_.stored, self._options
            save_model(Path(weights), with_embeddings(stored.bare, "save"), options.architecture, options.network)
            write_model_folder(
                destination, Path(weights), stored.reader, stored.calibration, stored.defence, stored.card
            )
        return path

    def _train(self, corpus: EncodedCorpus, options: Model) -> Outcome:
        return train(
            build=lambda table: build_model(options.architecture, table, len(corpus.label_names), options.network),
            vectors=build_vectors(corpus, options.embedding, Path(), self.seed).vectors,
            training=corpus.splits["train"],
            validation=corpus.splits["validation"],
            options=options.training,
            regime=self._regime,
            loss=self.loss or Loss(),
            seed=self.seed,
            log=lambda epoch: None,
            track=untracked,
            device=choose_device(self.device),
        )

    def _write(self, folder: Path, weights: Path, corpus: EncodedCorpus, outcome: Outcome, options: Model) -> None:
        validation, labels = corpus.splits["validation"], len(corpus.label_names)
        calibration = calibrate(outcome.validation, validation, labels, Predict().precisions)
        found = np.zeros((len(validation), TOP), bool)
        best = outcome.validation.labels[:, :TOP]
        found[:, : best.shape[1]] = hits(best, validation, np.arange(len(validation)))
        facts = Facts(
            cell=(
                NAME,
                self.recipe,
                "adversarial" if self.adversarial else "clean",
                "bce" if self.loss is None else "weighted",
            ),
            architecture=options.architecture,
            language="unknown",
            license="other",
            split="validation",
            corpus=statistics(corpus),
            how=network_training(options.training, self._regime, len(validation)),
            curve=[{"epsilon": 0.0} | ranking_metrics(found, np.diff(validation.label_offsets))],
            calibration=calibration_figures(outcome.validation, validation, labels, calibration),
        )
        defence = Defence(squeeze=self._regime.squeeze)
        write_model_folder(folder, weights, corpus, calibration, defence, model_card(facts))

    def _use(self, stored: StoredModel, options: Model) -> None:
        self._classifier, self._options = TextClassifier(stored), options
        reader = stored.reader
        self.classes_ = [reader.titles.get(name, name) for name in reader.label_names]

    @property
    def _regime(self) -> Regime:
        return ADVERSARIAL if self.adversarial else CLEAN


@cache
def _recipes() -> dict[str, Any]:
    return load_yaml(RECIPES)


def recipes() -> list[str]:
    """Return the names of the recipes that `XMLClassifier` knows."""
    return [*_recipes()]


def recipe_of(name: str, changes: dict[str, Any] | None = None, epochs: int | None = None) -> Model:
    """Return the recipe `name` with `changes`. Raises `UserError` where there is none, or a change is impossible."""
    if name not in _recipes():
        raise UserError(f"recipe: one of {', '.join(recipes())} (is {name!r})")
    recipe = model_of(deepcopy(_recipes()[name]), f"recipe {name}")
    given = deepcopy(changes or {})
    if epochs is not None:
        given.setdefault("training", {})["epochs"] = epochs
    return override(recipe, given, "changes")


class _Names(dict[str, str]):
    """The names of labels as they were given, by how they are stored: without white space."""

    def stored(self, name: str) -> str:
        """Return the stored name. Raises `UserError` for an empty one, and where another name is stored so."""
        short = one_token(name)
        if not short:
            raise UserError(f"y: the label {name!r} has no visible character")
        if self.setdefault(short, one_line(name)) != one_line(name):
            raise UserError(f"y: the labels {name!r} and {self[short]!r} cannot be told apart; rename one")
        return short


def _label_names(y: Labels) -> Iterator[list[str]]:
    """Yield the names of the labels of each text, in whatever way they are given."""
    if isinstance(y, np.ndarray) and y.ndim == 2 or sparse.issparse(y):
        rows = sparse.csr_matrix(y)
        for start, end in zip(rows.indptr, rows.indptr[1:], strict=False):
            yield [str(column) for column in sorted(rows.indices[start:end])]
        return
    for number, labels in enumerate(y):
        if isinstance(labels, str):
            raise UserError(f"y: text {number} has the string {labels[:50]!r} for its labels; give a list of names")
        yield [str(label) for label in labels]


def _records(X: Sequence[str], y: Labels, names: _Names) -> Iterator[Record]:
    labels = [*_label_names(y)]
    if len(X) != len(labels):
        raise UserError(f"y: labels of {len(labels)} texts for {len(X)} texts; give as many")
    for number, (text, of_text) in enumerate(zip(X, labels, strict=True)):
        if not isinstance(text, str):
            raise UserError(f"X: text {number} is a {type(text).__name__}; give strings")
        yield Record(f"text-{number}", tuple(names.stored(label) for label in of_text), text)


def _encoded(
    folder: Path,
    records: Sequence[Record],
    validation: tuple[Sequence[str], Labels] | None,
    names: _Names,
    options: Encode,
    seed: int,
) -> EncodedCorpus:
    """Return the corpus of `records`, encoded below `folder`: what is given as `validation` is that split."""
    if options.tokenizer not in WORD_TOKENIZERS:
        raise UserError("changes: encode.tokenizer is `words` or `whitespace` here; for pieces use the pipeline")
    given = [*_records(*validation, names)] if validation is not None else []
    encoded = folder / "encoded"
    encoded.mkdir()
    write_records(folder / "train.tsv", records)
    write_records(folder / "test.tsv", given or records[:1])
    write_titles(folder / TITLES, {name: title for name, title in names.items() if name != title})
    encode_corpus(folder, encoded, options, seed, untracked)
    corpus = load_encoded(encoded)
    if given:
        splits = {"train": corpus.train_and_validation, "validation": corpus.splits["test"]}
        return replace(corpus, splits=splits | {"test": corpus.splits["test"]})
    return replace(corpus, splits=corpus.splits | {"test": corpus.splits["validation"]})
