"""Adam (Kingma and Ba 2015) for the embedding table, the body and the output layer of a classifier."""

import math
from collections import deque
from typing import Any

import torch
from torch.optim import Adam, Optimizer, SparseAdam
from torch.optim.lr_scheduler import MultiStepLR

from xmlcore.common.checkpoints import restore_optimizer
from xmlcore.config.params import Training
from xmlcore.models.base import Classifier

NORMS = 5  # of late gradients that are looked at for clipping
LONGEST = 1.0  # norm that is remembered


class Optimisation:
    """The optimisers of one model, and their common schedule.

    The output layer has a rate and an epsilon of its own. Adam divides by the size of the gradients it has seen, so
    that a label which no batch has shown yet is pushed down as fast as a frequent one is learned, and a rare one has to
    be pulled up again each time. An epsilon above the size of those gradients leaves rare labels alone.

    With `sparse_embedding` the table is moved only where a batch has tokens (lazy Adam), at a cost that does not grow
    with the vocabulary; with `freeze_embedding` not at all. With `gradient_clip` no gradient is longer than so many
    times the longest of the last five, as the authors of AttentionXML clip (You et al. 2019).
    """

    def __init__(self, model: Classifier, options: Training) -> None:
        model.sparse_embedding = options.sparse_embedding
        table, output = model.embedding_table, list(model.output_parameters)
        apart = {id(parameter) for parameter in (table, *output)}
        body = [parameter for parameter in model.parameters() if id(parameter) not in apart]
        rate = options.learning_rate
        top: dict[str, Any] = {"params": output, "lr": options.output_learning_rate, "eps": options.output_epsilon}
        tables = [] if options.freeze_embedding else [table]
        lazy = tables if options.sparse_embedding else []
        dense = body if lazy else [*tables, *body]
        optimizers: list[Optimizer] = [Adam([dict[str, Any](params=dense), top], rate, fused=True)]
        optimizers += [SparseAdam([each], rate) for each in lazy]
        self._optimizers = optimizers
        self._schedulers = [MultiStepLR(each, options.milestones, options.gamma) for each in optimizers]
        self._moved = [*tables, *body, *output]
        self._clip, self._norms = options.gradient_clip, deque([math.inf], maxlen=NORMS)

    @property
    def learning_rate(self) -> float:
        """The rate of body and table in this epoch."""
        return float(self._schedulers[0].get_last_lr()[0])

    def step(self) -> None:
        """Move the parameters along their gradients, which are clipped first."""
        if self._clip:
            self._clip_gradients()
        for optimizer in self._optimizers:
            optimizer.step()

    def _clip_gradients(self) -> None:
        values = []
        for parameter in self._moved:
            if parameter.grad is not None and parameter.grad.is_sparse:
                parameter.grad = parameter.grad.coalesce()
                values.append(parameter.grad.values())
            elif parameter.grad is not None:
                values.append(parameter.grad)
        longest, norm = max(self._norms), float(torch.nn.utils.get_total_norm(values))
        if norm > self._clip * longest:
            for each in values:
                each.mul_(self._clip * longest / norm)
        self._norms.append(min(norm, 2 * longest, LONGEST))

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to go on from here."""
        return {
            "optimizers": [each.state_dict() for each in self._optimizers],
            "epochs": [each.last_epoch for each in self._schedulers],
            "norms": [*self._norms],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state` of an optimisation of the same model."""
        for optimizer, stored in zip(self._optimizers, state["optimizers"], strict=True):
            restore_optimizer(optimizer, stored)
        for scheduler, epoch in zip(self._schedulers, state["epochs"], strict=True):
            scheduler.last_epoch = epoch
            scheduler._last_lr = [group["lr"] for group in scheduler.optimizer.param_groups]
        self._norms.extend(state["norms"])

    def end_epoch(self) -> None:
        """Let the rates fall where a milestone is passed."""
        for scheduler in self._schedulers:
            scheduler.step()
