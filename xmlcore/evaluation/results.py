"""What is written of a model under attack on its embeddings.

Shares (P@k, nDCG@k, gap@k, tied) are fractions in [0, 1]; a gap is clean minus attacked (Sapkal and Savalia 2025,
equation 17).
"""

from typing import Literal, NotRequired

from pydantic import FiniteFloat, NonNegativeInt, PositiveInt
from typing_extensions import TypedDict

from xmlcore.common.intervals import Interval
from xmlcore.ranking.results import Precision, RankingFigures

Gaps = TypedDict("Gaps", {"gap@1": FiniteFloat, "gap@3": FiniteFloat, "gap@5": FiniteFloat})


class Evaluation(RankingFigures, Gaps):
    """A model under FGSM of one strength."""

    epsilon: FiniteFloat
    relative_size: FiniteFloat  # of the change of a token, in mean norms of the embeddings


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
    worst: FiniteFloat  # under the attack that harms each document most


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
        "power": FiniteFloat,  # the probability that a check finds a loss of 3 points of P@1
        "breaks_at": FiniteFloat | None,  # the smallest epsilon with P@1 below a tenth of the clean one
        "checks": dict[Check, bool],  # those that apply
    },
)


class AttackPoint(RankingFigures):
    """A model under one attack of one strength."""

    attack: Attack
    norm: Literal["linf", "l2"]
    epsilon: FiniteFloat


class Certification(TypedDict):
    """A model on documents in which every word may become any of its substitutes."""

    documents: NonNegativeInt
    substitutes: FiniteFloat  # of a word of theirs, in the mean
    clean: Precision
    attacked: Precision  # by the strongest substitutions that were found
    certified: Precision | None  # whatever is substituted; None: the model has no bounds
    certified_few: Precision | None  # whatever is substituted for at most `max_change` of the words
    max_change: FiniteFloat
    violations: NonNegativeInt  # documents in which an attack took what was certified


SmoothingWay = Literal["noise", "deletion"]


class SmoothedPoint(Precision):
    """Certified P@k, whatever a change of this radius does."""

    radius: FiniteFloat  # of noise: in mean norms of the embeddings, a token; of deletion: in words


class Smoothed(TypedDict):
    """A model whose labels random copies of a document vote for."""

    documents: NonNegativeInt
    voted: Precision  # of the unchanged documents
    certified: list[SmoothedPoint]


CascadeAttack = Literal["fgsm", "pgd_margin", "apgd", "apgd_margin", "fab", "square"]


WorstCase = TypedDict(
    "WorstCase",
    {
        "epsilon": FiniteFloat,
        "relative_size": FiniteFloat,  # of the change of a token, in mean norms of the embeddings
        "documents": NonNegativeInt,
        "P@1": dict[Literal["clean", CascadeAttack], FiniteFloat],  # after each attack and all those before it
        "worst": Interval,  # P@1 after the last, with Wilson's interval
    },
)
