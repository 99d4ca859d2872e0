"""Adam (Kingma and Ba 2015) for the embedding table, the body and the output layer of a classifier."""

from typing import Any

from torch.optim import Adam, Optimizer, SparseAdam
from torch.optim.lr_scheduler import MultiStepLR

from xmlcore.config.params import Training
from xmlcore.models.base import Classifier


class Optimisation:
    """The optimisers of one model, and their common schedule.

    The output layer has a rate and an epsilon of its own. Adam divides by the size of the gradients it has seen, so
    that a label which no batch has shown yet is pushed down as fast as a frequent one is learned, and a rare one has to
    be pulled up again each time. An epsilon above the size of those gradients leaves rare labels alone.

    With `sparse_embedding` the table is moved only where a batch has tokens (lazy Adam), at a cost that does not grow
    with the vocabulary.
    """

    def __init__(self, model: Classifier, options: Training) -> None:
        model.sparse_embedding = options.sparse_embedding
        table, output = model.embedding_table, list(model.output_parameters)
        apart = {id(parameter) for parameter in (table, *output)}
        body = [parameter for parameter in model.parameters() if id(parameter) not in apart]
        rate = options.learning_rate
        top: dict[str, Any] = {"params": output, "lr": options.output_learning_rate, "eps": options.output_epsilon}
        if options.sparse_embedding:
            optimizers: list[Optimizer] = [
                Adam([dict[str, Any](params=body), top], rate, fused=True),
                SparseAdam([table], rate),
            ]
        else:
            optimizers = [Adam([dict[str, Any](params=[table, *body]), top], rate, fused=True)]
        self._optimizers = optimizers
        self._schedulers = [MultiStepLR(each, options.milestones, options.gamma) for each in optimizers]

    @property
    def learning_rate(self) -> float:
        """The rate of body and table in this epoch."""
        return float(self._schedulers[0].get_last_lr()[0])

    def step(self) -> None:
        """Move the parameters along their gradients."""
        for optimizer in self._optimizers:
            optimizer.step()

    def end_epoch(self) -> None:
        """Let the rates fall where a milestone is passed."""
        for scheduler in self._schedulers:
            scheduler.step()
