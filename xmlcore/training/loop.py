"""Training, clean or adversarial: one loop, in whose hybrid loss (`adversarial`) the attack weighs 0 when clean.

The epoch is chosen by clean validation P@1, or nDCG@5, with early stopping; the model may then be trained afresh on the
training and validation documents together, from vectors of both, for just that many epochs.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial, reduce
from operator import add
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from xmlcore.common.allocator import give_back_freed_memory
from xmlcore.common.checkpoints import Checkpoint
from xmlcore.common.device import CPU
from xmlcore.common.distributed import processes
from xmlcore.common.errors import UserError
from xmlcore.config.params import Loss, LossReduction, Regime, Training
from xmlcore.data.batches import ShuffledBatches, true_labels
from xmlcore.data.dataset import Split, concatenate
from xmlcore.data.vector_tables import InitialVectors
from xmlcore.models.base import Classifier
from xmlcore.models.losses import label_prior, label_weights
from xmlcore.ranking.metrics import TOP, hits, ranking_metrics
from xmlcore.ranking.predictions import BATCH_SIZE, Predictions, Track, predict
from xmlcore.training.adversarial import Reduction, hybrid_backward
from xmlcore.training.augmentation import drop_tokens, substitute_tokens
from xmlcore.training.certified import WorstCase, certified_backward, certified_precision
from xmlcore.training.gradient_accumulation import MicroBatch, accumulate, micro_batches
from xmlcore.training.optimiser import Optimisation
from xmlcore.training.weight_averaging import WeightAverage

STORED = 50  # labels of a validation document

Phase = Literal["selection", "refit"]


@dataclass(frozen=True)
class Epoch:
    """What is logged after an epoch; `validation_precision` is None while refitting."""

    number: int
    loss: float
    learning_rate: float
    validation_precision: float | None
    certified_precision: float | None = None  # of the validation documents, after the warm-up of certified training


@dataclass(frozen=True)
class Outcome:
    model: Classifier
    epochs: int
    best_epoch: int
    validation_precision: float
    validation: Predictions  # of the best epoch, before any refit: the documents were new to the model then

    def summary(self) -> dict[str, float]:
        """Return the content of train.json."""
        return {
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "validation_P@1": self.validation_precision,
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
        }


Build = Callable[[np.ndarray], Classifier]
Gradients = Callable[..., Tensor]  # of a model, with tokens and labels, and how their loss is reduced
Augment = Callable[[list[np.ndarray], np.random.Generator], list[np.ndarray]]


def train(
    build: Build,
    vectors: InitialVectors,
    training: Split,
    validation: Split,
    *,
    options: Training,
    regime: Regime,
    loss: Loss,
    seed: int,
    log: Callable[[Epoch], None],
    track: Track,
    checkpoint: Checkpoint | None = None,
    device: torch.device = CPU,
    substitutes: Tensor | None = None,
) -> Outcome:
    """Train a classifier that `build` makes of `vectors`, on `device`.

    The same arguments on one CPU give the same weights. A regime that `takes_substitutes` needs `substitutes` (V, K),
    those of each token, itself first. The epoch is chosen once the warm-up is over, with a `certified_weight` by clean
    and certified P@1 together.

    `log` is called after every epoch; `track(batches, description, total)` wraps the batches of an epoch. With a
    `checkpoint` a training that was killed goes on from there, to the same weights. Processes share the micro-batches
    of a batch; raises `UserError` where they cannot share them evenly.
    """
    if options.micro_batches % processes():
        raise UserError(
            f"training.micro_batches: {options.micro_batches} cannot be shared by {processes()} processes; "
            f"give a multiple of {processes()}, or start fewer by `launch`"
        )
    if regime.takes_substitutes and substitutes is None:
        raise UserError("regime: this training needs substitutes and is given none; train by `stages/train.py`")
    if options.epochs < regime.warmup:
        raise UserError(
            f"training.epochs: {options.epochs}, in which the regime's warmup, {regime.warmup}, is not over; "
            "give more epochs, or a shorter warm-up"
        )
    if not options.epochs and regime.adversarial_weight:
        raise UserError(
            "training.epochs: 0, in which nothing is trained against attacks; give more, or a regime with an "
            "adversarial_weight of 0"
        )
    torch.set_float32_matmul_precision(options.matmul_precision)
    stored = checkpoint.load() if checkpoint else None
    best, logged = _Best.restored(stored.pop("best")) if stored else _Best(), list[Epoch]()
    begun: Phase = stored["phase"] if stored else "selection"

    def note(epoch: Epoch) -> None:
        logged.append(epoch)
        log(epoch)

    def run(phase: Phase, table: np.ndarray, split: Split, epochs: int, ends: Callable[[_Done], bool]) -> Classifier:
        """Return a model trained for `epochs`, or until one `ends` it, and store where the training is in between."""
        torch.manual_seed(seed)
        course = _Course(build(table), split, options, regime, loss, seed, device, substitutes)

        def state() -> dict[str, Any]:
            log = [asdict(epoch) for epoch in logged]
            return {"phase": phase, "course": course.state(), "best": best.state(), "log": log}

        if stored and phase == begun:
            course.restore(stored.pop("course"))
        elif checkpoint and phase == "refit":
            checkpoint.after_epoch(state)
        for done in course.epochs(epochs, track, partial(checkpoint.after_step, state) if checkpoint else _nothing):
            if ends(done):
                break
            if checkpoint:
                checkpoint.after_epoch(state)
        return course.model

    def select(done: _Done) -> bool:
        """Note an epoch and keep it if it is the best so far; return whether patience ends."""
        nonlocal best
        found = predict(done.model, validation, STORED, batch_size=options.at_once(BATCH_SIZE))
        metrics = _metrics(found, validation)
        score, precision, certified = metrics[options.selection], metrics["P@1"], None
        warm = done.number >= regime.warmup
        if regime.certified_weight and substitutes is not None and warm:
            certified = certified_precision(done.model, validation, substitutes)
            score += regime.certified_weight * (certified - score)  # the two weigh as they do in the loss
        note(Epoch(done.number, done.loss, done.learning_rate, precision, certified))
        if score > best.score and warm:
            best = _Best(_copied(done.model), done.number, score, precision, found)
        return done.number - max(best.epoch, regime.warmup) >= options.patience

    def note_refit(done: _Done) -> bool:
        note(Epoch(epochs + done.number, done.loss, done.learning_rate, None))
        return False

    for epoch in stored["log"] if stored else ():
        note(Epoch(**epoch))
    selection: Callable[[], Classifier] = partial(run, "selection", vectors.selection, training, options.epochs, select)
    if not options.refit:
        model = selection()
        model.load_state_dict(best.weights)
    elif begun == "selection":
        selection()
    epochs = max(epoch.number for epoch in logged if epoch.validation_precision is not None)
    if options.refit:
        best = replace(best, weights={})  # only its epoch counts from here on
        give_back_freed_memory()
        model = run("refit", vectors.refit, concatenate(training, validation), best.epoch, note_refit)
    return Outcome(model.eval(), epochs, best.epoch, best.precision, best.found)


def _metrics(predictions: Predictions, split: Split) -> dict[str, float]:
    """Return `P@k` and `nDCG@k` of `predictions` of the documents of `split`."""
    best = predictions.labels[:, :TOP]
    found = np.zeros((len(split), TOP), bool)
    found[:, : best.shape[1]] = hits(best, split, np.arange(len(split)))
    return ranking_metrics(found, np.diff(split.label_offsets))


@dataclass(frozen=True)
class _Best:
    """The epoch that is chosen so far."""

    weights: dict[str, Tensor] = field(default_factory=dict)
    epoch: int = 0
    score: float = -1.0
    precision: float = -1.0
    found: Predictions = Predictions(np.empty((0, 0), np.int32), np.empty((0, 0), np.float32))

    def state(self) -> dict[str, Any]:
        """Return what `restored` needs."""
        return {
            "weights": self.weights,
            "figures": [self.epoch, self.score, self.precision],
            "found": [torch.from_numpy(array) for array in (self.found.labels, self.found.scores)],
        }

    @classmethod
    def restored(cls, state: dict[str, Any]) -> "_Best":
        """Return what a `state` is of."""
        labels, scores = (tensor.numpy() for tensor in state["found"])
        epoch, score, precision = state["figures"]
        return cls(state["weights"], epoch, score, precision, Predictions(labels, scores))


class _Done(NamedTuple):
    """An epoch, and the model that it leaves: with weight averaging, not the one that goes on learning."""

    number: int
    loss: float  # mean of its steps
    learning_rate: float
    model: Classifier


class _Course:
    """The training of one model on one split: what moves it, and how far it is."""

    def __init__(
        self,
        model: Classifier,
        split: Split,
        options: Training,
        regime: Regime,
        loss: Loss,
        seed: int,
        device: torch.device,
        substitutes: Tensor | None,
    ) -> None:
        """Begin with `model`, fresh; it is prepared where it was built, then moved, so that all devices begin alike."""
        self.learning, self._split = model, split
        self._rng = np.random.default_rng(seed)
        self._weights = label_weights(loss, split, model.labels)
        model.prepare(split, seed)
        if options.prior_bias:
            model.initialise_output(label_prior(split, model.labels) + self._weights.log())
        self._augment = _augmentation(options, regime, substitutes)
        self._optimisation = Optimisation(model.to(device), options)
        self._average = WeightAverage(model, options.averaging_from, options.averaging_steps)
        self._over, self._regime, self._substitutes = options.loss_reduction, regime, substitutes
        self._micro_batches, self._gradient_sum = options.micro_batches, options.gradient_sum
        self._batches = ShuffledBatches(split.lengths, options.batch_size, self._rng)
        self._number, self._losses = 0, list[Tensor | float]()  # epochs, and the losses in the one after them

    @property
    def model(self) -> Classifier:
        """The model as it would be used."""
        return self._average.model

    def epochs(self, count: int, track: Track, after_step: Callable[[], None]) -> Iterator[_Done]:
        """Go on to the end of epoch `count`, and yield what each epoch leaves; of none, the model as it is prepared."""
        steps = self._batches.steps
        if not count:
            yield _Done(0, 0.0, self._optimisation.learning_rate, self.model)
        while self._number < count:
            number = self._number + 1
            self.learning.train()
            left = steps - self._batches.done % steps
            for documents in track(self._batches, f"epoch {number}/{count}", total=left):
                self._losses.append(self._learn(documents))
                self._average.step(number)
                after_step()
            done = _Done(number, self._loss / steps, self._optimisation.learning_rate, self.model)
            self._optimisation.end_epoch()
            self._number, self._losses = number, []
            yield done

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to go on from here."""
        return {
            "model": self.learning.state_dict(),
            "optimisation": self._optimisation.state(),
            "average": self._average.state(),
            "batches": self._batches.state(),
            "place": [self._number, self._loss],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state` of a training that began alike."""
        self.learning.load_state_dict(state["model"])
        self._optimisation.restore(state["optimisation"])
        self._average.restore(state["average"])
        self._batches.restore(state["batches"])
        self._number, *self._losses = state["place"]

    @property
    def _loss(self) -> float:
        """The sum of the losses of the steps of this epoch; to read them is to wait for the device."""
        return reduce(add, map(float, self._losses), 0.0)

    def _learn(self, documents: np.ndarray) -> Tensor:
        """Take a step with a batch of `documents` (B,), and return its loss."""
        texts = self._augment([self._split.document(i) for i in documents], self._rng)
        seed = int(self._rng.integers(2**62))
        labels = true_labels(self._split, documents, self._weights)
        parts = micro_batches(texts, labels, self._micro_batches, seed)
        loss = accumulate(self.learning, parts, self._backward(), self._gradient_sum)
        self._optimisation.step()
        return loss

    def _backward(self) -> Callable[[MicroBatch], Tensor]:
        """Return what adds the gradients of a micro-batch of this step."""
        epochs = self._number + self._batches.done / self._batches.steps
        if self._regime.certified_weight and self._substitutes is not None:
            worst_case = WorstCase.after(epochs, self._substitutes, self._regime)
            gradients: Gradients = partial(certified_backward, worst_case=worst_case)
        else:
            risen = self._regime.risen(epochs)
            gradients = partial(hybrid_backward, regime=self._regime, substitutes=self._substitutes, risen=risen)
        return partial(_seeded_backward, self.learning, self._over, gradients)


def _copied(model: Classifier) -> dict[str, Tensor]:
    return {name: tensor.to(CPU, copy=True) for name, tensor in model.state_dict().items()}


def _nothing() -> None:
    """Do nothing after a step."""


def _seeded_backward(model: Classifier, over: LossReduction, gradients: Gradients, part: MicroBatch) -> Tensor:
    torch.manual_seed(part.seed)
    return gradients(model, part.tokens, part.labels, reduction=Reduction(over, part.weight))


def _augmentation(options: Training, regime: Regime, substitutes: Tensor | None) -> Augment:
    """Return the change of documents that `options` and `regime` ask for."""
    choices = substitutes.numpy() if regime.word_substitution and substitutes is not None else None

    def augment(documents: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
        if options.shuffle_tokens:
            documents = [rng.permutation(document) for document in documents]
        if options.token_dropout:
            documents = [drop_tokens(document, options.token_dropout, rng) for document in documents]
        if choices is not None:
            documents = [substitute_tokens(each, choices, regime.word_substitution, rng) for each in documents]
        return documents

    return augment
