"""Training, clean or adversarial: one loop, in whose hybrid loss (`adversarial`) the attack weighs 0 when clean.

The epoch is chosen by clean validation P@1, or nDCG@5, with early stopping; the model may then be trained afresh on the
training and validation documents together, from vectors of both, for just that many epochs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from xmlcore.common.distributed import processes
from xmlcore.common.errors import UserError
from xmlcore.config.params import Loss, LossReduction, Regime, Training
from xmlcore.data.batches import batches, true_labels
from xmlcore.data.dataset import Split, concatenate
from xmlcore.data.propensity import label_frequencies
from xmlcore.data.vector_tables import InitialVectors
from xmlcore.models.base import Classifier
from xmlcore.models.losses import label_weights
from xmlcore.ranking.metrics import TOP, hits, ranking_metrics
from xmlcore.ranking.predictions import Predictions, Track, predict
from xmlcore.training.adversarial import Reduction, hybrid_backward
from xmlcore.training.augmentation import drop_tokens, nearest_tokens, substitute_tokens
from xmlcore.training.gradient_accumulation import MicroBatch, accumulate, micro_batches
from xmlcore.training.optimiser import Optimisation
from xmlcore.training.weight_averaging import WeightAverage

STORED = 50  # labels of a validation document


@dataclass(frozen=True)
class Epoch:
    """What is logged after an epoch; `validation_precision` is None while refitting."""

    number: int
    loss: float
    learning_rate: float
    validation_precision: float | None


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
) -> Outcome:
    """Train a classifier that `build` makes of `vectors`. The same arguments on one machine give the same weights.

    `log` is called after every epoch; `track(batches, description, total)` wraps the batches of an epoch. Processes
    share the micro-batches of a batch; raises `UserError` where they cannot share them evenly.
    """
    if options.micro_batches % processes():
        raise UserError(
            f"training.micro_batches: {options.micro_batches} cannot be shared by {processes()} processes; "
            f"give a multiple of {processes()}, or start fewer by `launch`"
        )
    torch.set_float32_matmul_precision(options.matmul_precision)
    torch.manual_seed(seed)
    model = build(vectors.selection)
    run = partial(_epochs, options=options, regime=regime, loss=loss, seed=seed, track=track)
    best, best_found = b"", Predictions(np.empty((0, 0), np.int32), np.empty((0, 0), np.float32))
    best_epoch, best_score, best_precision = 0, -1.0, -1.0
    epoch = 0
    for done in run(model, training, options.epochs):
        epoch = done.number
        found = predict(done.model, validation, STORED)
        metrics = _metrics(found, validation)
        score, precision = metrics[options.selection], metrics["P@1"]
        log(Epoch(epoch, done.loss, done.learning_rate, precision))
        if score > best_score:
            best, best_epoch, best_score, best_precision = save(done.model.state_dict()), epoch, score, precision
            best_found = found
        if epoch - best_epoch >= options.patience:
            break
    if options.refit:
        torch.manual_seed(seed)
        model = build(vectors.refit)
        everything = concatenate(training, validation)
        for done in run(model, everything, best_epoch):
            log(Epoch(epoch + done.number, done.loss, done.learning_rate, None))
        model = done.model
    else:
        model.load_state_dict(load(best))
    return Outcome(model.eval(), epoch, best_epoch, best_precision, best_found)


def _metrics(predictions: Predictions, split: Split) -> dict[str, float]:
    """Return `P@k` and `nDCG@k` of `predictions` of the documents of `split`."""
    best = predictions.labels[:, :TOP]
    found = np.zeros((len(split), TOP), bool)
    found[:, : best.shape[1]] = hits(best, split, np.arange(len(split)))
    return ranking_metrics(found, np.diff(split.label_offsets))


class _Done(NamedTuple):
    """An epoch, and the model that it leaves: with weight averaging, not the one that goes on learning."""

    number: int
    loss: float  # mean of its steps
    learning_rate: float
    model: Classifier


def _epochs(
    model: Classifier,
    split: Split,
    epochs: int,
    *,
    options: Training,
    regime: Regime,
    loss: Loss,
    seed: int,
    track: Track,
) -> Iterator[_Done]:
    """Train `model` on `split`, and yield what each of `epochs` epochs leaves."""
    optimisation = Optimisation(model, options)
    average = WeightAverage(model, options.averaging_from, options.averaging_steps)
    rng = np.random.default_rng(seed)
    weights = label_weights(loss, split, model.labels)
    model.prepare(split, seed)
    if options.prior_bias:
        model.initialise_output(label_prior(split, model.labels) + weights.log())
    steps = -(-len(split) // options.batch_size)
    backward = partial(_seeded_backward, model, options.loss_reduction, regime)
    augment = _augmentation(model, options, regime)
    for number in range(1, epochs + 1):
        model.train()
        total = 0.0
        for documents in track(
            batches(split.lengths, options.batch_size, rng), f"epoch {number}/{epochs}", total=steps
        ):
            texts, seed_of_step = augment([split.document(i) for i in documents], rng), int(rng.integers(2**62))
            labels = true_labels(split, documents, weights)
            parts = micro_batches(texts, labels, options.micro_batches, seed_of_step)
            total += accumulate(model, parts, backward)
            optimisation.step()
            average.step(number)
        yield _Done(number, total / steps, optimisation.learning_rate, average.model)
        optimisation.end_epoch()


def _seeded_backward(model: Classifier, over: LossReduction, regime: Regime, part: MicroBatch) -> float:
    torch.manual_seed(part.seed)
    return hybrid_backward(model, part.tokens, part.labels, regime, Reduction(over, part.weight))


def _augmentation(model: Classifier, options: Training, regime: Regime) -> Augment:
    """Return the change of documents that `options` and `regime` ask for, with the neighbours of the initial table."""
    neighbours = nearest_tokens(model.embedding_table) if regime.word_substitution else None

    def augment(documents: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
        if options.shuffle_tokens:
            documents = [rng.permutation(document) for document in documents]
        if options.token_dropout:
            documents = [drop_tokens(document, options.token_dropout, rng) for document in documents]
        if neighbours is not None:
            documents = [substitute_tokens(each, neighbours, regime.word_substitution, rng) for each in documents]
        return documents

    return augment


def label_prior(split: Split, labels: int) -> Tensor:
    """Return the logit (L,) of each label's share of the documents, smoothed by half a document.

    It is computed in double precision: the last bits of `torch.logit` depend on where its input lies in memory.
    """
    with_label = label_frequencies(split, labels=labels) + 0.5
    return torch.from_numpy(np.log(with_label / (len(split) + 1 - with_label))).float()
