"""What is written of a ranking: the metrics of all labels, and by label frequency.

Shares (P@k, nDCG@k, PSP@k, recall@k, F1) are fractions in [0, 1].
"""

from collections.abc import Mapping
from typing import cast

from pydantic import FiniteFloat, NonNegativeInt
from typing_extensions import TypedDict

Precision = TypedDict("Precision", {"P@1": FiniteFloat, "P@3": FiniteFloat, "P@5": FiniteFloat})


RankingFigures = TypedDict(
    "RankingFigures",
    {
        "P@1": FiniteFloat,
        "P@3": FiniteFloat,
        "P@5": FiniteFloat,
        "nDCG@1": FiniteFloat,
        "nDCG@3": FiniteFloat,
        "nDCG@5": FiniteFloat,
    },
)


Ranking = TypedDict(
    "Ranking",
    {
        "P@1": FiniteFloat,
        "P@3": FiniteFloat,
        "P@5": FiniteFloat,
        "nDCG@3": FiniteFloat,
        "nDCG@5": FiniteFloat,
        "PSP@1": FiniteFloat,
        "PSP@3": FiniteFloat,
        "PSP@5": FiniteFloat,
        "recall@5": FiniteFloat,
        "micro_F1": FiniteFloat,
        "macro_F1": FiniteFloat,
    },
)


LabelBin = TypedDict(
    "LabelBin",
    {
        "frequency": str,  # from how many to how many training documents, such as 6-20
        "labels": NonNegativeInt,
        "pairs": NonNegativeInt,  # true (document, label) pairs of the test split
        "recall@5": FiniteFloat,
        "PSP@5": FiniteFloat,  # what the bin contributes: the bins sum to that of `Ranking`
    },
)


def value_of(metrics: Mapping[str, object], key: str) -> float:
    """Return the figure `key` of `metrics`, such as `P@1` or `gap@5`; the key is put together at run time."""
    return cast("Mapping[str, float]", metrics)[key]
