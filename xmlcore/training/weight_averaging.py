"""Stochastic weight averaging (Izmailov et al. 2018), as AttentionXML is trained (You et al. 2019)."""

from typing import Any, cast

from torch.optim.swa_utils import AveragedModel

from xmlcore.models.base import Classifier


class WeightAverage:
    """The mean of a model's weights, taken every `every` steps from epoch `start` on; `start` 0 is never."""

    def __init__(self, model: Classifier, start: int, every: int) -> None:
        self._learning, self._start, self._every = model, start, every
        self._average: AveragedModel | None = None
        self._steps = 0

    def step(self, epoch: int) -> None:
        """Count a step of `epoch`, the first being 1, and add its weights to the mean if it is their turn."""
        if not self._start or epoch < self._start:
            return
        self._steps += 1
        if self._steps % self._every == 0:
            self._average = self._average or AveragedModel(self._learning)
            self._average.update_parameters(self._learning)

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to go on from here."""
        return {"steps": self._steps, "average": self._average and self._average.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state` of the average of the same model."""
        self._steps = state["steps"]
        if state["average"] is not None:
            self._average = AveragedModel(self._learning)
            self._average.load_state_dict(state["average"])

    @property
    def model(self) -> Classifier:
        """The model with the mean weights, or the learning one while there is no mean."""
        return self._learning if self._average is None else cast(Classifier, self._average.module)
