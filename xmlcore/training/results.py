"""The figures that are written of a training."""

from pydantic import FiniteFloat, NonNegativeInt
from typing_extensions import TypedDict

Training = TypedDict(
    "Training",
    {
        "epochs": NonNegativeInt,
        "best_epoch": NonNegativeInt,
        "validation_P@1": FiniteFloat,
        "parameters": NonNegativeInt,
    },
)
