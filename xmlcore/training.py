"""Training, clean or adversarial: one loop whose hybrid loss (equation 14 of seed 000) has a weight of 0 when clean.

The epoch is chosen by clean validation P@1 with early stopping; the model may then be trained afresh on the training
and validation documents together for just that many epochs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from xmlcore.attacks.fgsm import fgsm
from xmlcore.batching import batches, multi_hot, pad
from xmlcore.encoding import Split, concatenate
from xmlcore.evaluation import predict
from xmlcore.losses import binary_cross_entropy
from xmlcore.metrics import hits, precision_at_k
from xmlcore.models import Classifier
from xmlcore.params import Regime, Training
from xmlcore.text import PAD


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


Track = Callable[..., Iterator[np.ndarray]]
Build = Callable[[], Classifier]


def train(
    build: Build,
    training: Split,
    validation: Split,
    options: Training,
    regime: Regime,
    seed: int,
    log: Callable[[Epoch], None],
    track: Track,
) -> Outcome:
    """Train a classifier made by `build`. The same arguments on one machine give the same weights.

    `log` is called after every epoch; `track(batches, description, total)` wraps the batches of one.
    """
    torch.set_float32_matmul_precision(options.matmul_precision)
    torch.manual_seed(seed)
    model = build()
    best = b""
    best_epoch, best_precision = 0, -1.0
    epoch = 0
    for epoch, loss, rate in _epochs(model, training, options, regime, seed, options.epochs, track):
        top, _ = predict(model, validation, 1)
        precision = precision_at_k(hits(top, validation, np.arange(len(validation))), 1)
        log(Epoch(epoch, loss, rate, precision))
        if precision > best_precision:
            best, best_epoch, best_precision = save(model.state_dict()), epoch, precision
        if epoch - best_epoch >= options.patience:
            break
    if options.refit:
        torch.manual_seed(seed)
        model = build()
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
    optimizer = torch.optim.Adam(model.parameters(), lr=options.learning_rate)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, options.milestones, options.gamma)
    rng = np.random.default_rng(seed)
    if options.prior_bias:
        model.initialise_output(label_prior(split, model.labels))
    steps = -(-len(split) // options.batch_size)
    for number in range(1, epochs + 1):
        model.train()
        total = 0.0
        for documents in track(
            batches(split.lengths, options.batch_size, rng), f"epoch {number}/{epochs}", total=steps
        ):
            tokens = pad(_documents(split, documents, rng if options.shuffle_tokens else None))
            loss = hybrid_loss(model, tokens, multi_hot(split, documents, model.labels), options.loss_reduction, regime)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.item()
        yield number, total / steps, scheduler.get_last_lr()[0]
        scheduler.step()


def _documents(split: Split, documents: np.ndarray, rng: np.random.Generator | None) -> list[np.ndarray]:
    chosen = [split.document(i) for i in documents]
    return chosen if rng is None else [rng.permutation(document) for document in chosen]


def label_prior(split: Split, labels: int) -> Tensor:
    """(L,) logit of each label's share of the documents, smoothed by half a document."""
    counts = np.bincount(split.labels[split.labels >= 0], minlength=labels)
    return torch.logit(torch.from_numpy((counts + 0.5) / (len(split) + 1)).float())


def hybrid_loss(model: Classifier, tokens: Tensor, targets: Tensor, reduction: str, regime: Regime) -> Tensor:
    """Equation 14: (1 - w) L(e, y) + w L(e_adv, y), with w = `regime.adversarial_weight`."""
    weight = regime.adversarial_weight
    clean = binary_cross_entropy(model(tokens), targets, reduction)
    if not weight:
        return clean
    embeddings, mask = model.embed(tokens), tokens != PAD
    attacked = fgsm(model, embeddings, mask, targets, regime.epsilon)
    return (1 - weight) * clean + weight * binary_cross_entropy(model.score(attacked, mask), targets, reduction)
