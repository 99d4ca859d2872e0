"""The files that the report reads, typed; those of sanity checks and of explanations are in `trust_formats`.

Shares (P@k, nDCG@k, PSP@k, recall@k, F1, gap@k, tied) are fractions in [0, 1]; the gap is clean minus attacked
(equation 17).
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired, cast

from pydantic import BeforeValidator, FiniteFloat, NonNegativeInt, PositiveInt
from typing_extensions import TypedDict

from xmlcore.params import Generator, Goal

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

Gaps = TypedDict("Gaps", {"gap@1": FiniteFloat, "gap@3": FiniteFloat, "gap@5": FiniteFloat})


class Evaluation(RankingFigures, Gaps):
    """A model under FGSM of one strength."""

    epsilon: FiniteFloat


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


def value_of(metrics: Evaluation | Ranking, key: str) -> float:
    """The figure `key`, such as `P@1` or `gap@5`, put together at run time."""
    return cast("Mapping[str, float]", metrics)[key]


SqueezedEvaluation = TypedDict(
    "SqueezedEvaluation",
    {
        "epsilon": FiniteFloat,
        "squeeze": Literal["none", "embeddings", "outputs", "both"],
        "attacker": Literal["unaware", "aware"],
        "P@1": FiniteFloat,
        "P@3": FiniteFloat,
        "P@5": FiniteFloat,
        "tied": FiniteFloat,
    },
)

Training = TypedDict(
    "Training",
    {
        "epochs": NonNegativeInt,
        "best_epoch": NonNegativeInt,
        "validation_P@1": FiniteFloat,
        "parameters": NonNegativeInt,
    },
)


class Timing(TypedDict):
    """What a stage took, in seconds of wall-clock time."""

    seconds: FiniteFloat


class Statistics(TypedDict):
    """Table 1 of the paper: sizes of a corpus after encoding."""

    train_documents: NonNegativeInt
    validation_documents: NonNegativeInt
    test_documents: NonNegativeInt
    vocabulary: NonNegativeInt
    labels: NonNegativeInt
    labels_per_document: FiniteFloat
    documents_per_label: FiniteFloat
    tokens_per_train_document: FiniteFloat
    tokens_per_test_document: FiniteFloat


class LabelExplanation(TypedDict):
    """Why one label was predicted for one document; a token may occur more than once."""

    document: NonNegativeInt  # its index in the test split
    doc_id: str
    label_name: str
    tokens: list[str]
    weights: list[FiniteFloat]
    r2: NotRequired[FiniteFloat]  # local fidelity, of LIME alone
    logit: NotRequired[FiniteFloat]  # this and the following of Integrated Gradients alone
    baseline_logit: NotRequired[FiniteFloat]
    delta: NotRequired[FiniteFloat]  # what the weights sum to beyond the change of the logit


class SkippedDocument(TypedDict):
    """A document that could not be explained."""

    document: NonNegativeInt
    skipped: str


class Importance(TypedDict):
    """One bar of the global SHAP chart: the summed absolute value of a token."""

    token: str
    importance: FiniteFloat


SWEPT = "success_rate@"  # the least similarity that a success must have follows, such as 0.80


def _by_similarity(row: Any) -> Any:
    """A row whose `success_rate@0.80` and the like stand below the one key `SWEPT`, by threshold."""
    if not isinstance(row, dict):
        return row
    return row | {SWEPT: {key.removeprefix(SWEPT): share for key, share in row.items() if key.startswith(SWEPT)}}


AttackRates = TypedDict(
    "AttackRates",
    {
        "samples": NonNegativeInt,
        "clean_accuracy": FiniteFloat,  # the share of the samples on which the model is right before the attack
        "success_rate": FiniteFloat,  # of these, the share whose goal was reached
        "accuracy_under_attack": FiniteFloat,  # the share of all samples that are still right after it
        "success_rate@": dict[FiniteFloat, FiniteFloat],
    },
)


class AttackSummary(AttackRates):
    """One goal of word substitution with one generator of substitutes: means over the successes, and of all queries."""

    similarity: FiniteFloat | None
    change_rate: FiniteFloat | None
    queries: FiniteFloat  # documents scored for one sample


class FrequencyRange(TypedDict):
    """Labels with `lowest` to `highest` training documents."""

    lowest: NonNegativeInt
    highest: NonNegativeInt


class AttackBin(AttackRates, FrequencyRange):
    """One goal with one generator, on such labels."""

    goal: Goal
    generator: Generator


AttackSummaries = dict[Goal, dict[Generator, Annotated[AttackSummary, BeforeValidator(_by_similarity)]]]
AttackBins = list[Annotated[AttackBin, BeforeValidator(_by_similarity)]]


class WordChange(TypedDict):
    position: NonNegativeInt  # in the words of the document
    word: str
    substitute: str  # "" where the word is deleted


class WordAttack(TypedDict):
    """One attack on one document."""

    goal: Goal
    generator: Generator
    document: NonNegativeInt  # its index in the test split
    bin: NotRequired[FrequencyRange | None]  # of the labels, where the goal has bins
    labels: list[str]  # aimed at
    true_labels: list[str]
    words: list[str]
    changes: list[WordChange]
    ranks_before: list[PositiveInt]  # of the labels aimed at, 1 for the best
    ranks_after: list[PositiveInt]
    best_before: list[str]
    best_after: list[str]
    success: bool
