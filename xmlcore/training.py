"""Training, clean or adversarial: one loop whose hybrid loss (equation 14 of seed 000) has a weight of 0 when clean.

The epoch is chosen by clean validation P@1 with early stopping; the model may then be trained afresh on the training
and validation documents together, from vectors of both, for just that many epochs.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from xmlcore.accumulation import MicroBatch, accumulate
from xmlcore.attacks.fgsm import perturb, sign_at_tokens
from xmlcore.batching import batches, multi_hot, pad
from xmlcore.distributed import processes
from xmlcore.embeddings import InitialVectors
from xmlcore.encoding import Split, concatenate
from xmlcore.errors import UserError
from xmlcore.losses import binary_cross_entropy
from xmlcore.metrics import hits, precision_at_k
from xmlcore.models import Classifier
from xmlcore.optimisation import Optimisation
from xmlcore.params import Regime, Training
from xmlcore.predictions import Track, predict


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

    def summary(self) -> dict[str, float]:
        """The content of train.json."""
        return {
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "validation_P@1": self.validation_precision,
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
        }


Build = Callable[[np.ndarray], Classifier]


def train(
    build: Build,
    vectors: InitialVectors,
    training: Split,
    validation: Split,
    options: Training,
    regime: Regime,
    seed: int,
    log: Callable[[Epoch], None],
    track: Track,
) -> Outcome:
    """Train a classifier that `build` makes of `vectors`. The same arguments on one machine give the same weights.

    `log` is called after every epoch; `track(batches, description, total)` wraps the batches of one. Processes share
    the micro-batches of a batch; `UserError` where they cannot share them evenly.
    """
    if options.micro_batches % processes():
        raise UserError(
            f"training.micro_batches: {options.micro_batches} cannot be shared by {processes()} processes; "
            f"give a multiple of {processes()}, or start fewer by `launch`"
        )
    torch.set_float32_matmul_precision(options.matmul_precision)
    torch.manual_seed(seed)
    model = build(vectors.selection)
    best = b""
    best_epoch, best_precision = 0, -1.0
    epoch = 0
    for epoch, loss, rate in _epochs(model, training, options, regime, seed, options.epochs, track):
        best_labels = predict(model, validation, 1).labels
        precision = precision_at_k(hits(best_labels, validation, np.arange(len(validation))), 1)
        log(Epoch(epoch, loss, rate, precision))
        if precision > best_precision:
            best, best_epoch, best_precision = save(model.state_dict()), epoch, precision
        if epoch - best_epoch >= options.patience:
            break
    if options.refit:
        torch.manual_seed(seed)
        model = build(vectors.refit)
        everything = concatenate(training, validation)
        for number, loss, rate in _epochs(model, everything, options, regime, seed, best_epoch, track):
            log(Epoch(epoch + number, loss, rate, None))
    else:
        model.load_state_dict(load(best))
    return Outcome(model.eval(), epoch, best_epoch, best_precision)


def _epochs(
    model: Classifier, split: Split, options: Training, regime: Regime, seed: int, epochs: int, track: Track
) -> Iterator[tuple[int, float, float]]:
    """Run epochs one by one, giving each one's number, mean loss and learning rate."""
    optimisation = Optimisation(model, options)
    rng = np.random.default_rng(seed)
    if options.prior_bias:
        model.initialise_output(label_prior(split, model.labels))
    steps = -(-len(split) // options.batch_size)
    backward = partial(_seeded_backward, model, options.loss_reduction, regime)
    for number in range(1, epochs + 1):
        model.train()
        total = 0.0
        for documents in track(
            batches(split.lengths, options.batch_size, rng), f"epoch {number}/{epochs}", total=steps
        ):
            micro_batches = _micro_batches(split, documents, model.labels, options, rng)
            total += accumulate(model, micro_batches, backward)
            optimisation.step()
        yield number, total / steps, optimisation.learning_rate
        optimisation.end_epoch()


def _micro_batches(
    split: Split, documents: np.ndarray, labels: int, options: Training, rng: np.random.Generator
) -> list[MicroBatch]:
    """The batch `documents` in as many parts of one size as asked, or as there are documents."""
    texts, seed = _documents(split, documents, options, rng), int(rng.integers(2**62))
    count = min(options.micro_batches, len(documents))
    return [
        MicroBatch(
            pad(texts[first::count]),
            multi_hot(split, documents[first::count], labels),
            len(texts[first::count]) / len(texts),
            seed + first,
        )
        for first in range(count)
    ]


def _seeded_backward(model: Classifier, reduction: str, regime: Regime, part: MicroBatch) -> float:
    torch.manual_seed(part.seed)
    return hybrid_backward(model, part.tokens, part.targets, reduction, regime, part.weight)


def _documents(split: Split, documents: np.ndarray, options: Training, rng: np.random.Generator) -> list[np.ndarray]:
    chosen = [split.document(i) for i in documents]
    if options.shuffle_tokens:
        chosen = [rng.permutation(document) for document in chosen]
    if options.token_dropout:
        chosen = [drop_tokens(document, options.token_dropout, rng) for document in chosen]
    return chosen


def drop_tokens(document: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """`document` (T,) without a share of its tokens, drawn between 0 and twice `rate`; one token stays at least."""
    kept = document[rng.random(len(document)) >= 2 * rate * rng.random()]
    return kept if len(kept) else document[:1]


def label_prior(split: Split, labels: int) -> Tensor:
    """(L,) logit of each label's share of the documents, smoothed by half a document.

    In double precision: `torch.logit` gives other last bits where its input happens to lie elsewhere in memory.
    """
    with_label = np.bincount(split.labels[split.labels >= 0], minlength=labels) + 0.5
    return torch.from_numpy(np.log(with_label / (len(split) + 1 - with_label))).float()


def hybrid_backward(
    model: Classifier, tokens: Tensor, targets: Tensor, reduction: str, regime: Regime, scale: float = 1.0
) -> float:
    """Equation 14: add the gradients of (1 - w) L(e, y) + w L(e_adv, y), w = `adversarial_weight`; return its value.

    Both are multiplied by `scale`.

    The attack costs one pass, not two: its gradient comes with the backward pass of the clean loss. Of `tokens` (B, T)
    a random `adversarial_share` is attacked, whatever their order (batches come sorted by length).
    """
    weight = regime.adversarial_weight
    if not weight:
        clean = scale * binary_cross_entropy(model(tokens), targets, reduction)
        clean.backward()
        return clean.item()
    order = torch.randperm(len(tokens))
    tokens, targets = tokens[order], targets[order]
    attacked = slice(math.ceil(regime.adversarial_share * len(tokens)))
    rows, index = model.distinct(tokens)
    leaf = rows.detach().requires_grad_()
    probe = leaf.new_zeros(*index[attacked].shape, leaf.shape[1], requires_grad=True)
    clean = scale * (1 - weight) * binary_cross_entropy(model.score_rows(leaf, index, probe), targets, reduction)
    clean.backward()
    sign = sign_at_tokens(probe.grad, index[attacked])
    moved = perturb(leaf, index[attacked], sign, regime.epsilon)
    logits = model.score(moved, index[attacked] != 0)
    adversarial = scale * weight * binary_cross_entropy(logits, targets[attacked], reduction)
    adversarial.backward()
    rows.backward(leaf.grad)
    return (clean + adversarial).item()
