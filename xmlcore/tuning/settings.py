"""The parameters of a recipe that tuning may change: the shape of the network and how it is trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from xmlcore.common.errors import UserError
from xmlcore.config.params import Params, Training, override
from xmlcore.config.recipes import read_architecture, read_training
from xmlcore.config.schema import Section

Values = dict[str, Any]  # by keys such as `training.learning_rate`


class Settings(NamedTuple):
    """A network's shape and its training."""

    network: Section
    training: Training

    def values(self, keys: Mapping[str, Any]) -> Values:
        """Return the values that `keys` have here."""
        return {key: getattr(getattr(self, key.split(".")[0]), key.split(".")[1]) for key in keys}

    def with_values(self, values: Values, place: str) -> "Settings":
        """Return settings with other `values`. Raises `UserError`, naming `place`, for what cannot be together."""
        changes: dict[str, Values] = {part: {} for part in self._fields}
        for key, value in values.items():
            part, _, name = key.partition(".")
            changes[part][name] = value
        return Settings(
            *(override(getattr(self, part), of_part, f"{place}.{part}") for part, of_part in changes.items())
        )


def read_settings(params: Params, corpus: str, model: str, recipe: Path) -> tuple[str, Settings]:
    """Return the architecture and settings in the folder `recipe`. Raises `UserError` if `params` have other ones."""
    architecture, network = read_architecture(recipe)
    settings, wanted = Settings(network, read_training(recipe)), params.model_of(corpus, model)
    if (architecture, *settings) != (wanted.architecture, wanted.network, wanted.training):
        raise UserError(f"{recipe}: not as params.yaml is now; run `python stages/configure.py {corpus} {model}` first")
    return architecture, settings
