"""What is written of explanations, and of how far they can be believed.

Comprehensiveness, sufficiency and normalised AOPC are fractions; correlations are in [-1, 1].
"""

from typing import Literal, NotRequired

from pydantic import FiniteFloat, NonNegativeInt, PositiveInt
from typing_extensions import TypedDict

from xmlcore.common.intervals import Interval
from xmlcore.config.params import Generator, Goal

Method = Literal["lime", "shap", "ig", "gradient_x_input", "random"]  # that explains
Removal = Literal["masking", "deletion"]


class LabelExplanation(TypedDict):
    """Why one label was predicted for one document; a token may occur more than once."""

    document: NonNegativeInt  # its index in the test split
    doc_id: str
    true_labels: list[str]
    label_name: str
    tokens: list[str]
    weights: list[FiniteFloat]
    r2: NotRequired[FiniteFloat | None]  # local fidelity, of LIME alone; None where the score is the same everywhere
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


class Erasure(TypedDict):
    """What removing the heaviest words, or all others, does to the score of a label."""

    comprehensiveness: FiniteFloat
    sufficiency: FiniteFloat
    naopc: Interval | None  # none where no removal changes any score


class Faith(TypedDict):
    """How faithful one method is to one model, means over the documents."""

    masking: Erasure
    deletion: Erasure
    tau_leave_one_out: NotRequired[FiniteFloat]  # this and the following where a document has them
    sparseness: NotRequired[FiniteFloat]
    sensitivity: NotRequired[FiniteFloat]  # this and the next of methods that look at the model
    randomised: NotRequired[FiniteFloat]
    r2: NotRequired[FiniteFloat]  # of LIME
    delta: NotRequired[FiniteFloat]  # of Integrated Gradients


class Faithfulness(TypedDict):
    """All methods on one model."""

    documents: NonNegativeInt
    methods: dict[Method, Faith]
    agreement: dict[str, FiniteFloat]  # by pair of methods, such as lime_shap
    better_than_random: dict[Method, bool]


class Drift(TypedDict):
    """How alike two explanations of one document and label are."""

    rank_correlation: NotRequired[Interval]
    overlap: NotRequired[Interval]


class Stability(TypedDict):
    """Explanations before and under attack, and by this model and the reference."""

    documents: NonNegativeInt
    attacked: dict[Method, Drift]
    reference: NotRequired[dict[Method, Drift]]


class WeighedText(TypedDict):
    """A text, the score and rank of one label for it, and the weight of every token by method."""

    score: FiniteFloat
    rank: PositiveInt
    tokens: list[str]
    changed: list[NonNegativeInt]  # positions in `tokens`
    weights: dict[Method, list[FiniteFloat]]


class WeighedTexts(TypedDict):
    original: WeighedText
    attacked: WeighedText


class GalleryEntry(TypedDict):
    """One word attack as one model sees it."""

    document: NonNegativeInt  # its index in the test split
    doc_id: str
    label_name: str
    true_labels: list[str]
    goal: Goal
    generator: Generator
    texts: WeighedTexts
