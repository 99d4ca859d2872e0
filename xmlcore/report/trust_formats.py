"""The files that say how far a model and its explanations can be trusted, typed.

P@k, nDCG@k, comprehensiveness, sufficiency and normalised AOPC are fractions; correlations are in [-1, 1].
"""

from typing import Literal, NotRequired

from pydantic import FiniteFloat, NonNegativeInt, PositiveInt
from typing_extensions import TypedDict

from xmlcore.params import Generator, Goal
from xmlcore.report.formats import RankingFigures

Check = Literal[
    "pgd_at_least_fgsm",
    "steps_converge",
    "restarts_converge",
    "success_grows_with_epsilon",
    "noise_weaker_than_fgsm",
    "transfer_weaker_than_white_box",
    "gradients_not_zero",
    "straight_through_at_least_unaware",
    "model_breaks",
]
Attack = Literal["noise", "fgsm", "pgd", "pgd_margin", "pgd_top_k", "transfer"]
Explainer = Literal["lime", "shap", "ig", "gradient_x_input", "random"]

Removal = Literal["masking", "deletion"]


class AttackedPrecision(TypedDict):
    """P@1 of the documents of the sanity checks, untouched and under every attack of one strength."""

    clean: FiniteFloat
    noise: FiniteFloat
    transfer: NotRequired[FiniteFloat]  # where there is another model to take the attack from
    fgsm: FiniteFloat
    pgd: FiniteFloat
    pgd_margin: FiniteFloat
    pgd_top_k: FiniteFloat
    pgd_l2: FiniteFloat
    worst: FiniteFloat  # of every document the attack that harms it most


class StraightThrough(TypedDict):
    """P@1 under PGD that ignores a defence's rounding, and that aims through it."""

    unaware: FiniteFloat
    aware: FiniteFloat


Sanity = TypedDict(
    "Sanity",
    {
        "threat_model": str,
        "epsilon": FiniteFloat,
        "documents": NonNegativeInt,
        "P@1": AttackedPrecision,
        "steps": dict[PositiveInt, FiniteFloat],  # P@1 under PGD by its number of steps
        "restarts": dict[PositiveInt, FiniteFloat],
        "zero_gradients": FiniteFloat,  # the share of the documents whose gradient is zero everywhere
        "straight_through": NotRequired[StraightThrough],
        "breaks_at": FiniteFloat | None,  # the smallest epsilon with P@1 below a tenth of the clean one
        "checks": dict[Check, bool],  # those that apply
    },
)


class AttackPoint(RankingFigures):
    """A model under one attack of one strength."""

    attack: Attack
    norm: Literal["linf", "l2"]
    epsilon: FiniteFloat


class Interval(TypedDict):
    """A mean over documents and its confidence interval."""

    mean: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat


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
    methods: dict[Explainer, Faith]
    agreement: dict[str, FiniteFloat]  # by pair of methods, such as lime_shap
    better_than_random: dict[Explainer, bool]


class Drift(TypedDict):
    """How alike two explanations of one document and label are."""

    rank_correlation: NotRequired[Interval]
    overlap: NotRequired[Interval]


class Stability(TypedDict):
    """Explanations before and under attack, and by this model and the reference."""

    documents: NonNegativeInt
    attacked: dict[Explainer, Drift]
    reference: NotRequired[dict[Explainer, Drift]]


class WeighedText(TypedDict):
    """A text, the score and rank of one label for it, and the weight of every token by method."""

    score: FiniteFloat
    rank: PositiveInt
    tokens: list[str]
    changed: list[NonNegativeInt]  # positions in `tokens`
    weights: dict[Explainer, list[FiniteFloat]]


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
