"""The trainings of a tuning's trials: on training documents, looked at on validation documents, never refitted."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch

from xmlcore.common.checkpoints import Checkpoint
from xmlcore.config.params import Loss, Regime
from xmlcore.data.dataset import EncodedCorpus
from xmlcore.data.vector_tables import InitialVectors
from xmlcore.models.registry import build_model
from xmlcore.ranking.predictions import Track
from xmlcore.training.loop import Epoch, train
from xmlcore.tuning.settings import Settings, Values
from xmlcore.tuning.study import AfterEpoch, Budget, GivenUp

SPLITS = ("train", "validation")  # of a corpus, that are read


@dataclass(frozen=True)
class Trainings:
    """What the trainings of all trials have in common."""

    architecture: str
    settings: Settings
    data: EncodedCorpus
    vectors: InitialVectors
    regime: Regime
    loss: Loss
    seed: int
    device: torch.device
    track: Track
    budget: Budget
    stored: Path  # where a training is stored while it runs
    fingerprint: str  # of all of the above that decides what a training gives

    def train(self, number: int, values: Values, after_epoch: AfterEpoch) -> float:
        """Return validation P@1 of trial `number`, with `values`. Raises `OutOfTime` before it or an epoch of it."""
        self.budget.check()
        network, training = self.settings.with_values(values | {"training.refit": False}, "tune")
        checkpoint = Checkpoint(self.stored, f"{self.fingerprint} {number} {values}")

        def log(epoch: Epoch) -> None:
            assert epoch.validation_precision is not None  # which it is while refitting
            after_epoch(epoch.validation_precision)

        def track(items: Iterable, description: str, total: int | None = None) -> Iterable:
            self.budget.check()
            return self.track(items, f"trial {number}, {description}", total)

        try:
            outcome = train(
                build=lambda table: build_model(self.architecture, table, len(self.data.label_names), network),
                vectors=self.vectors,
                training=self.data.splits["train"],
                validation=self.data.splits["validation"],
                options=training,
                regime=self.regime,
                loss=self.loss,
                seed=self.seed,
                log=log,
                track=track,
                checkpoint=checkpoint,
                device=self.device,
            )
        except GivenUp:
            checkpoint.remove()
            raise
        checkpoint.remove()
        return outcome.validation_precision
