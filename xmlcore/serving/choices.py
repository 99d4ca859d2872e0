"""What can be chosen when a model is used; apart, so that the command line knows it without importing a model."""

from typing import Literal

Method = Literal["lime", "shap", "ig"]  # of explaining
Goal = Literal["positive", "negative", "non_targeted"]  # of an attack
OwnSubstitutes = Literal["gradient", "neighbours", "deletion"]  # that an attack has from the model itself
Substitutes = Literal[OwnSubstitutes, "masked_lm", "synonyms"]
