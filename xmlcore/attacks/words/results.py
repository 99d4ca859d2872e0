"""What is written of word attacks."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, FiniteFloat, NonNegativeInt, PositiveInt
from typing_extensions import TypedDict

from xmlcore.config.params import Generator, Goal

SWEPT: Final = "success_rate@"  # the least similarity that a success must have follows, such as 0.80


def _by_similarity(row: Any) -> Any:
    """Return a row whose `success_rate@0.80` and the like stand below the one key `SWEPT`, by threshold."""
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
    """One attack on one document: a line of attacks.jsonl."""

    goal: Goal
    generator: Generator
    document: NonNegativeInt  # its index in the test split
    doc_id: str
    bin: FrequencyRange | None  # of the labels, where the goal has bins
    labels: list[str]  # aimed at
    true_labels: list[str]
    words: list[str]
    changes: list[WordChange]
    ranks_before: list[PositiveInt]  # of the labels aimed at, 1 for the best
    ranks_after: list[PositiveInt]
    best_before: list[str]
    best_after: list[str]
    clean: bool  # whether the victim was right before the attack; if not, there was none
    success: bool
    similarity: FiniteFloat  # of the text to the original, 1 where they are equal
    change_rate: FiniteFloat  # the share of the words that differ
    queries: NonNegativeInt  # documents that were scored
