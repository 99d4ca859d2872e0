"""The typed view of params.yaml: unknown keys, wrong types and impossible values are refused by name.

A plural key lists what `dvc repro` runs (`corpora`, `models`, `regimes`, `losses`, `vectors`, `checkpoints`,
`lexicons`); the singular mapping beside it says what each name means (`corpus`, `model`, `regime`, `loss`, `vector`,
`checkpoint`, `lexicon`). A corpus and a model may override `encode`.
"""

import reprlib
from collections import Counter
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, cast

from pydantic import Discriminator, Field, Tag, TypeAdapter, ValidationError, create_model, model_validator

from xmlcore.common.errors import UserError
from xmlcore.common.paths import LINEAR
from xmlcore.common.yaml_files import load_yaml
from xmlcore.config.architectures import ARCHITECTURES, BASELINES, XLNetShape
from xmlcore.config.schema import Epsilon, FileName, Name, PositiveFloat, PositiveInt, Section, Share

Squeeze = Literal["none", "embeddings", "outputs", "both"]
LossReduction = Literal["document", "element"]
AttackObjective = Literal["loss", "margin"]  # that an attack in training raises
AdversarialLoss = Literal["labels", "consistency"]  # of the documents that it has attacked
AttackSpace = Literal["embeddings", "words"]  # that it moves
GradientSum = Literal["ordered", "all_reduce"]
Goal = Literal["positive", "negative", "negative_clustered", "non_targeted"]
Scores = Literal["logits", "probabilities"]
Generator = Literal["masked_lm", "neighbours", "synonyms", "substitutes", "gradient", "deletion"]
OfficialSplit = Literal["train", "test"]
Device = Literal["auto", "cpu", "cuda", "mps"]  # of `xmlcore.common.device`
Column = Literal["id", "labels", "text", "ignored"]
SPLITS: tuple[OfficialSplit, ...] = ("train", "test")


class SourceFile(Section):
    """One file of a corpus: where it comes from and how to know that it arrived whole."""

    url: str | list[str] | None = None  # of several the first that answers; None: only a mirror has it
    bytes: PositiveInt | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    @property
    def urls(self) -> list[str]:
        return [self.url] if isinstance(self.url, str) else self.url or []

    @property
    def is_checked(self) -> bool:
        """Return whether a file that arrived can be told from another one."""
        return self.bytes is not None or self.sha256 is not None


class Simulation(Section):
    """Sizes of a simulated corpus (`xmlcore.corpora.simulation.mirror`)."""

    kind: Literal["rcv1", "eurlex"]
    train_documents: PositiveInt
    test_documents: PositiveInt
    labels: PositiveInt
    mean_tokens: PositiveInt


class Fetch(Section):
    """Official files by name, or the simulation that writes them."""

    files: dict[FileName, SourceFile] = {}
    simulation: Simulation | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Fetch":
        if bool(self.files) == (self.simulation is not None):
            raise ValueError("give either `files` or `simulation`")
        return self


class FetchCorpus(Fetch):
    """Those of a corpus, and what comes with it."""

    license: str = "other"  # of the corpus, as model hubs name it
    labels: FileName | None = None  # of `files`, the one with titles of labels (`xmlcore.corpora.label_titles`)

    @model_validator(mode="after")
    def _titles_are_fetched(self) -> "FetchCorpus":
        if self.labels is not None and self.labels not in self.files:
            raise ValueError(f"labels: one of `files` (is {self.labels!r})")
        return self


class Fields(Section):
    """What the fields of a table of texts are called."""

    text: Annotated[str, Field(min_length=1)] = "text"
    labels: Annotated[str, Field(min_length=1)] = "labels"
    id: Annotated[str, Field(min_length=1)] = "id"


class Convert(Section):
    """How the official files are read (`xmlcore.corpora.formats.converters`)."""

    format: Literal["lyrl2004", "bag_of_words", "reuters21578", "labelled_text", "named_fields", "annif"]
    fields: Fields = Fields()  # of named_fields
    max_features: PositiveInt = 500
    order: Literal["weight", "idf"] = "weight"
    files: dict[OfficialSplit, str] = {}  # which file is which, where their names do not tell
    columns: list[Column] | None = None  # of labelled text, between tabs; None: as the first line of a file tells
    label_separator: Literal[" ", ",", ";"] = " "
    language: Annotated[str, Field(min_length=2)] = "en"  # of titles of labels, where a file has them in several

    @model_validator(mode="after")
    def _columns_of_labels_and_text(self) -> "Convert":
        if self.columns and not (self.columns.count("labels") == 1 and "text" in self.columns):
            raise ValueError("columns: `labels` once, `text` once or more, `id` and `ignored`")
        if self.columns and self.columns.count("id") > 1:
            raise ValueError("columns: `id` once at most")
        return self


class Encode(Section):
    """How a text becomes tokens (`xmlcore.data.dataset`)."""

    tokenizer: Annotated[str, Field(min_length=1)] = (
        "words"  # or `whitespace`, or a checkpoint (`xmlcore.data.pretrained`)
    )
    max_tokens: PositiveInt = 500
    min_count: PositiveInt = 2
    max_vocabulary: PositiveInt | None = None  # the most frequent tokens alone: what bounds the memory of the table
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25


class Embedding(Section):
    """Initial word vectors (`xmlcore.data.word_vectors`)."""

    kind: Literal["random", "random_idf", "glove", "in_domain", "checkpoint", "side_by_side"] = "in_domain"
    dimension: Annotated[int, Field(ge=2)] = 300  # a checkpoint has its own, as have parts
    checkpoint: str | None = None
    layers: PositiveInt | None = None  # of a frozen encoder's checkpoint: documents are read by so many, and stored
    vectors: str | None = None  # of kind glove: a name in `vectors`, or a file below it; None: the one that there is
    parts: list["Embedding"] = []  # of kind side_by_side, for a model that is several

    @model_validator(mode="after")
    def _what_its_kind_needs(self) -> "Embedding":
        if (self.kind == "checkpoint") != bool(self.checkpoint):
            raise ValueError("give `checkpoint`, a name or folder, with kind checkpoint and with no other")
        if self.layers is not None and self.kind != "checkpoint":
            raise ValueError("`layers`, of a checkpoint that reads documents, is for kind checkpoint")
        if self.vectors is not None and (self.kind != "glove" or ".." in self.vectors.split("/")):
            raise ValueError("`vectors`, a name in `vectors` or a file below it, is for kind glove")
        if (self.kind == "side_by_side") != bool(self.parts):
            raise ValueError("give `parts`, embeddings, with kind side_by_side and with no other")
        return self


class Training(Section):
    """Optimisation (`xmlcore.training.loop`). Milestones are epochs after which the learning rate falls by `gamma`."""

    epochs: Annotated[int, Field(ge=0)] = 15  # 0: the model stays as it is prepared, without a gradient
    patience: PositiveInt = 5
    selection: Literal["P@1", "nDCG@5"] = "P@1"  # on the validation documents, by which the epoch is chosen
    batch_size: PositiveInt = 64
    micro_batches: PositiveInt = 1  # parts of a batch, computed one by one or by as many processes
    gradient_sum: GradientSum = (
        "ordered"  # of micro-batches: the same to the bit for any number of processes, or faster
    )
    learning_rate: PositiveFloat = 0.001
    output_learning_rate: PositiveFloat = 0.001
    output_epsilon: PositiveFloat = 1e-8  # Adam's, of the output layer
    sparse_embedding: bool = False
    freeze_embedding: bool = False
    gradient_clip: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0  # times the largest of late norms; 0: never
    milestones: list[PositiveInt] = []
    gamma: PositiveFloat = 0.1
    loss_reduction: LossReduction = "document"
    prior_bias: bool = True
    shuffle_tokens: bool = False
    token_dropout: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    refit: bool = True
    averaging_from: Annotated[int, Field(ge=0)] = 0  # the first epoch of weight averaging; 0: never
    averaging_steps: PositiveInt = 100
    matmul_precision: Literal["highest", "high", "medium"] = "medium"

    def at_once(self, usual: int) -> int:
        """Return how many documents are predicted at once: `usual`, or a micro-batch where memory asked for some."""
        return usual if self.micro_batches == 1 else min(usual, -(-self.batch_size // self.micro_batches))


class Model(Section):
    """A named recipe: an architecture with its embedding, shape and optimisation."""

    architecture: str
    encode: dict[str, Any] = {}  # what the architecture wants different from the corpus's settings
    embedding: Embedding
    network: Section
    training: Training


def _tag(architecture: str) -> str:
    return f"<{architecture}>"


def _tag_of(recipe: Any) -> str:
    """Return the tag of the architecture of `recipe`, or if it names none of any, whose section then complains."""
    get = recipe.get if isinstance(recipe, dict) else partial(getattr, recipe)
    return _tag(get("architecture", next(iter(ARCHITECTURES))))


if TYPE_CHECKING:
    AnyModel = Model
else:
    AnyModel = Annotated[
        Union[  # noqa: UP007, one model for each architecture, of the shape that the architecture has
            tuple(
                Annotated[
                    create_model("Model", __base__=Model, architecture=Literal[name], network=network), Tag(_tag(name))
                ]
                for name, (network, _) in ARCHITECTURES.items()
            )
        ],
        Discriminator(
            _tag_of,
            custom_error_type="architecture",
            custom_error_message=f"one of {', '.join(ARCHITECTURES)}",
        ),
    ]


class Range(Section):
    """What a tuned parameter may be: between two numbers, or one of some values."""

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False  # as likely between 0.001 and 0.01 as between 0.01 and 0.1
    choices: Annotated[list[Any], Field(min_length=2)] | None = None

    @model_validator(mode="after")
    def _between_or_among(self) -> "Range":
        ends = (self.low, self.high)
        if (self.choices is None) == (ends == (None, None)) or (self.choices and self.log):
            raise ValueError("give either `choices`, or `low` and `high` with or without `log`")
        if self.choices is None and not (self.low is not None and self.high is not None and self.low < self.high):
            raise ValueError("`low` and `high`: two numbers, the first one lower")
        if self.log and self.low is not None and self.low <= 0:
            raise ValueError("`log`: for `low` above 0")
        return self

    @property
    def between(self) -> tuple[Any, Any]:
        """The lowest and the highest number, where there are no choices."""
        return self.low, self.high


class Tune(Section):
    """The parameters of a recipe that are tuned (`xmlcore.tuning`); its tokens and vectors are made before."""

    network: dict[str, Range] = {}
    training: dict[str, Range] = {}

    @property
    def ranges(self) -> dict[str, Range]:
        """All ranges, by keys such as `training.learning_rate`."""
        return {f"{part}.{key}": each for part, ranges in self for key, each in ranges.items()}

    def check(self, recipe: Model, place: str) -> None:
        """Raise `UserError`, naming `place` and the key, for a range of what `recipe` cannot be."""
        if "refit" in self.training:
            raise UserError(f"{place}.training.refit: tuning looks at trainings without it; remove this range")
        for part, ranges in self:
            for key, each in ranges.items():
                for value in each.choices or each.between:
                    override(recipe, {part: {key: value}}, place)
                own = getattr(getattr(recipe, part), key)
                if each.choices is None and type(own) not in (int, float):
                    raise UserError(f"{place}.{part}.{key}: no number (is {own!r}); give `choices`")


class Propensity(Section):
    """The constants of the model of Jain et al. 2016 (`xmlcore.data.propensity`)."""

    a: PositiveFloat = 0.55
    b: PositiveFloat = 1.5


class Loss(Section):
    """The weights of positive labels in the binary cross-entropy (`xmlcore.models.losses`)."""

    propensity: Propensity | None = None
    class_balance: Annotated[float, Field(gt=0, lt=1)] | None = None
    mean_one: bool = False  # the weights divided by their mean


class Regime(Section):
    """How a recipe is trained against attacks, and which defence it wears when it is evaluated."""

    epsilon: Epsilon
    relative_size: Epsilon = 0.0  # in the place of epsilon: of the change of a token, in mean norms of the embeddings
    warmup: Annotated[int, Field(ge=0)] = 0  # epochs in which it, or `certified_weight`, rises from 0
    adversarial_weight: Annotated[float, Field(ge=0, le=1)]
    adversarial_share: Annotated[float, Field(gt=0, le=1)]  # how much of each batch is attacked
    attack_space: AttackSpace = "embeddings"  # within epsilon; words within their substitutes
    attack_objective: AttackObjective = "loss"
    attack_steps: PositiveInt = 1
    adversarial_loss: AdversarialLoss = "labels"  # consistency: with the clean ones (`xmlcore.training.consistency`)
    max_change: Annotated[float, Field(gt=0, le=1)] = 1.0  # of the words of an attacked document
    attribution_weight: Annotated[float, Field(ge=0)] = 0.0  # of the penalty (`xmlcore.training.attribution_stability`)
    word_substitution: Share = 0.0  # of a training document's words, replaced by random ones of their substitutes
    certified_weight: Share = 0.0  # in the loss, of the worst that substitutes can do (`xmlcore.training.certified`)
    squeeze: Squeeze

    @property
    def takes_free_step(self) -> bool:
        """Whether the attack is one step up the loss, whose gradient training has anyway."""
        return self.attack_objective == "loss" and self.attack_steps == 1

    @property
    def takes_substitutes(self) -> bool:
        """Whether training reads the fixed substitutes of words."""
        return bool(self.certified_weight or self.word_substitution or self.attack_space == "words")

    def risen(self, epochs: float) -> float:
        """Return how far the warm-up is after so many `epochs`, from 0 to 1."""
        return min(1.0, epochs / self.warmup) if self.warmup else 1.0

    @model_validator(mode="after")
    def _one_radius(self) -> "Regime":
        if self.epsilon and self.relative_size:
            raise ValueError("relative_size: stands in the place of epsilon; give 0 for one of the two")
        if self.warmup and not (self.epsilon or self.relative_size or self.certified_weight):
            raise ValueError("warmup: needs an epsilon, a relative_size or a certified_weight above 0, to rise in it")
        return self

    @model_validator(mode="after")
    def _what_looks_at_an_attack(self) -> "Regime":
        if self.attribution_weight and not self.adversarial_weight:
            raise ValueError("attribution_weight: needs an adversarial_weight above 0, whose attack it looks at")
        if self.adversarial_loss == "consistency" and not self.adversarial_weight:
            raise ValueError("adversarial_loss: consistency needs an adversarial_weight above 0, which is its own")
        return self

    @model_validator(mode="after")
    def _what_its_attack_moves(self) -> "Regime":
        if self.attack_space == "words" and (self.epsilon or self.relative_size or not self.adversarial_weight):
            raise ValueError(
                "attack_space: words go with an epsilon and a relative_size of 0, and an adversarial_weight above 0"
            )
        if self.attack_space == "embeddings" and self.max_change < 1:
            raise ValueError("max_change: of words, with attack_space words; give 1.0")
        return self

    @model_validator(mode="after")
    def _certified_alone(self) -> "Regime":
        if self.certified_weight and self.adversarial_weight:
            raise ValueError("certified_weight: goes with an adversarial_weight of 0; train against one of the two")
        return self


class Predict(Section):
    """How many of the best labels of a document are stored, and which of them are assigned."""

    labels: Annotated[int, Field(ge=5)] = 10  # the metrics look at the best 5
    precisions: list[Annotated[float, Field(gt=0, lt=1)]] = [0.8, 0.9]  # for which thresholds are fitted


class Baseline(Section):
    """The linear classifier that every corpus is measured by (`xmlcore.baselines.linear`)."""

    cost: PositiveFloat = 1.0  # of a misplaced document, C of liblinear
    group: Annotated[int, Field(ge=2)] = 200  # labels at most that are told apart at once


class Stacking(Section):
    """A weighted mean of several classifiers, its weights fitted on validation documents (`xmlcore.ranking.stacking`).

    A member is a training, MODEL/REGIME/LOSS, or `linear`, the linear classifier.
    """

    corpora: list[Name] = []  # for which the weights are fitted
    members: list[str] = []

    @model_validator(mode="after")
    def _several_members(self) -> "Stacking":
        if len(set(self.members)) < len(self.members):
            raise ValueError(f"members: each once (is {self.members!r})")
        if any(member != LINEAR[0] and member.count("/") != 2 for member in self.members):
            raise ValueError(f"members: MODEL/REGIME/LOSS each, or {LINEAR[0]} (is {self.members!r})")
        if self.corpora and len(self.members) < 2:
            raise ValueError("members: two or more, where `corpora` lists any")
        return self

    @property
    def trainings(self) -> dict[str, tuple[str, str, str]]:
        """The model, regime and loss of each member."""
        places = {member: LINEAR if member == LINEAR[0] else tuple(member.split("/")) for member in self.members}
        return cast("dict[str, tuple[str, str, str]]", places)


class Metrics(Section):
    """The evaluation of the stored labels (`xmlcore.ranking.summary`)."""

    frequency_bins: Annotated[list[PositiveInt], Field(min_length=1)]  # upper ends; one more bin is open

    @model_validator(mode="after")
    def _rising(self) -> "Metrics":
        if any(low >= high for low, high in pairwise(self.frequency_bins)):
            raise ValueError("frequency_bins are rising numbers of training documents")
        return self


class Fgsm(Section):
    """The evaluation under attack (`xmlcore.evaluation.fgsm_sweep`)."""

    epsilons: Annotated[list[Epsilon], Field(min_length=1)]
    relative_sizes: list[PositiveFloat] = []  # of the change, in mean norms: where models of any width are compared
    bits: Annotated[int, Field(ge=1, le=16)] = 8

    @model_validator(mode="after")
    def _distinct(self) -> "Fgsm":
        names = [format_epsilon(epsilon) for epsilon in (0.0, *filter(None, self.epsilons))]  # 0 is always there
        if len(set(names)) < len(names):
            raise ValueError("two epsilons have the same name in the metrics files: " + ", ".join(names))
        return self


class Cascade(Section):
    """Attacks in turn, each on the documents that still stand (`xmlcore.evaluation.worst_case`)."""

    documents: PositiveInt = 1000  # of the test split, drawn by the seed
    relative_size: Epsilon = 0.0  # in the place of `robustness.epsilon`: where models of any width are compared
    steps: PositiveInt = 20  # of each attack that takes gradients
    queries: PositiveInt = 100  # of the one that takes none


class Robustness(Section):
    """Attacks on embeddings besides FGSM, and the checks of them (`xmlcore.evaluation`)."""

    models: list[Name] = []  # whose embeddings are attacked
    documents: PositiveInt = 100  # of the test split, drawn by the seed
    epsilon: Annotated[float, Field(gt=0)] = 0.1  # one of `epsilons`, where everything is tried
    epsilons: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)]  # rising, until the model breaks
    steps: Annotated[int, Field(ge=5)] = 20
    step_size: Annotated[float, Field(gt=0, le=2)] = 0.25  # of the radius
    restarts: PositiveInt = 2
    noise: PositiveInt = 5  # random perturbations of each document
    worst_case: Cascade = Cascade()

    @model_validator(mode="after")
    def _a_rising_curve(self) -> "Robustness":
        if any(low >= high for low, high in pairwise(self.epsilons)):
            raise ValueError(f"epsilons: rising (is {self.epsilons!r})")
        if self.epsilon not in self.epsilons:
            raise ValueError(f"epsilon: one of epsilons, {self.epsilons!r} (is {self.epsilon!r})")
        return self


class MaskedLM(Section):
    """The small BERT that a corpus trains for its own language (`xmlcore.attacks.words.language_model`)."""

    width: PositiveInt = 128
    layers: PositiveInt = 2
    heads: PositiveInt = 2
    window: Annotated[int, Field(ge=8)] = 64  # words that it sees at once
    max_windows: PositiveInt = 25_000  # that it learns from, drawn by the seed: what bounds the time
    epochs: PositiveInt = 2
    batch_size: PositiveInt = 16
    learning_rate: PositiveFloat = 0.001

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "MaskedLM":
        if self.width % self.heads:
            raise ValueError(f"width: a multiple of heads, {self.heads} (is {self.width})")
        return self


class Words(Section):
    """Word-substitution attacks (`xmlcore.attacks.words`)."""

    corpora: list[Name] = []  # whose language is learned, and whose documents are attacked
    models: list[Name] = []  # that are attacked
    goals: Annotated[list[Goal], Field(min_length=1)]
    generators: Annotated[list[Generator], Field(min_length=1)]
    masked_lm: Annotated[str, Field(min_length=1)] = "corpus"  # or a checkpoint of `transformers`, by name or folder
    encoder: Annotated[str, Field(min_length=1)] = "corpus"  # or one of `sentence-transformers`, by name or folder
    thresholds: Annotated[list[Share], Field(min_length=1)]  # of similarity, swept
    scores: Scores = "logits"  # that an attack moves; the published code: probabilities
    k: Annotated[int, Field(ge=1)] = 5  # how many of the best labels an attack changes
    labels: PositiveInt = 1  # the most that one attack aims at
    bins: PositiveInt = 4  # of label frequency, with equal samples
    samples: PositiveInt = 25  # of each bin
    candidates: PositiveInt = 48  # K, for each word
    max_change: Share = 0.1  # of the words of a document
    cluster_labels: Annotated[int, Field(ge=2)] = 3  # the fewest in a cluster

    @model_validator(mode="after")
    def _listed_once(self) -> "Words":
        for name in ("goals", "generators", "thresholds"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name}: each once (is {values!r})")
        return self


class Substitutes(Section):
    """Words that may stand for each other, for every defender and attack (`xmlcore.attacks.words.substitutes`)."""

    corpora: list[Name] = []  # for which they are chosen
    kind: Literal["neighbours", "synonyms"] = "neighbours"
    count: PositiveInt = 4  # of one word, at most
    cosine: Annotated[float, Field(gt=0, le=1)] = 0.8  # of neighbours, at least


class Certify(Section):
    """P@k that no substitution can lower (`xmlcore.evaluation.certification`)."""

    models: list[Name] = []  # for which it is proven, on `substitutes.corpora`
    steps: PositiveInt = 3  # of the attack beside it
    max_change: Share = 0.1  # of the words of a document, for what is proven of few substitutions besides


class Smoothing(Section):
    """Votes of random copies of a document, and what they prove (`xmlcore.evaluation.smoothing`)."""

    models: list[Name] = []  # that are smoothed
    documents: PositiveInt = 100  # of the test split
    copies: Annotated[int, Field(ge=100)] = 1000  # of each; more prove more
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.999  # in a document's certificate
    deviation: PositiveFloat = 1.0  # of the noise on a token, in mean norms of the embeddings
    sizes: list[PositiveFloat] = []  # of a change of all embeddings, in that unit
    kept: Annotated[float, Field(gt=0, lt=1)] = 0.2  # of a document's words, in a copy without the others
    words: list[PositiveInt] = []  # that may become any others


class Lime(Section):
    samples: Annotated[int, Field(ge=2)] = 1000


class Shap(Section):
    evaluations: PositiveInt = 500
    tokenizer: str = "model"
    global_documents: PositiveInt = 100
    global_evaluations: PositiveInt = 200
    global_tokens: PositiveInt = 20


class IntegratedGradients(Section):
    """`unknown`: every token of the baseline is the unknown word, as SHAP hides tokens; `zero`: a zero embedding."""

    steps: PositiveInt = 50
    baseline: Literal["unknown", "zero"] = "unknown"


class ExplanationStudy(Section):
    """The measurement of the explainers (`xmlcore.explain.study.study`)."""

    models: list[Name] = []  # whose explanations are measured
    documents: Annotated[int, Field(ge=2)] = 50  # of the test split, drawn by the seed
    beam: PositiveInt = 1  # rankings kept in the search for the best and the worst
    draws: PositiveInt = 2  # of noise on the embeddings
    epsilon: Annotated[float, Field(gt=0)] = 0.02  # the size of the noise, as FGSM's


class Explain(Section):
    documents: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    labels: PositiveInt = 3
    top_tokens: PositiveInt = 10
    batch_size: PositiveInt = 256  # copies of a document scored at once: what bounds the memory
    lime: Lime
    shap: Shap
    ig: IntegratedGradients
    study: ExplanationStudy
    gallery: PositiveInt = 4  # attacked documents that are explained


class Report(Section):
    epsilon: Epsilon


class TinyCheckpoint(Section):
    """Sizes of an XLNet with random weights and of its tokenizer (`xmlcore.corpora.simulation.checkpoint`)."""

    vocabulary: Annotated[int, Field(ge=500)]
    body: XLNetShape


class Checkpoint(Section):
    """A pretrained model of the hub, or a tiny one that is made here."""

    hub: Annotated[str, Field(min_length=1)] | None = None
    tiny: TinyCheckpoint | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Checkpoint":
        if (self.hub is None) == (self.tiny is None):
            raise ValueError("give either `hub` or `tiny`")
        return self


class Corpus(Section):
    """Where a corpus comes from, how it is read, and what it wants different from the common settings."""

    fetch: FetchCorpus
    convert: Convert
    encode: dict[str, Any]
    model: dict[Name, dict[str, Any]]


class Params(Section):
    """The whole of params.yaml."""

    launch: Annotated[str, Field(min_length=1)]  # read by dvc.yaml alone
    device: Device
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    corpora: list[Name]
    models: list[Name]
    regimes: list[Name]
    losses: list[Name]
    vectors: list[Name]
    checkpoints: list[Name]
    lexicons: list[Name]
    encode: Encode
    model: dict[Name, AnyModel]
    tune: dict[Name, Tune] = {}
    regime: dict[Name, Regime]
    loss: dict[Name, Loss]
    predict: Predict
    baseline: Baseline
    propensity: Propensity
    metrics: Metrics
    stacking: Stacking
    fgsm: Fgsm
    robustness: Robustness
    masked_lm: MaskedLM
    words: Words
    substitutes: Substitutes
    certify: Certify
    smoothing: Smoothing
    explain: Explain
    report: Report
    vector: dict[Name, Fetch]
    checkpoint: dict[Name, Checkpoint]
    lexicon: dict[Name, Fetch]
    corpus: dict[Name, Corpus]

    @model_validator(mode="after")
    def _names_are_known(self) -> "Params":
        for plural, known in (
            ("corpora", self.corpus),
            ("models", self.model),
            ("regimes", self.regime),
            ("losses", self.loss),
            ("vectors", self.vector),
            ("checkpoints", self.checkpoint),
            ("lexicons", self.lexicon),
        ):
            for name in getattr(self, plural):
                _named(known, name, plural)
        for name in BASELINES:
            if name in self.model:
                raise UserError(f"model: {name!r} is what the stage `baseline` fits to every corpus; rename the recipe")
        for key, chosen, of in (
            ("words.corpora", self.words.corpora, "corpora"),
            ("words.models", self.words.models, "models"),
            ("robustness.models", self.robustness.models, "models"),
            ("substitutes.corpora", self.substitutes.corpora, "corpora"),
            ("certify.models", self.certify.models, "models"),
            ("stacking.corpora", self.stacking.corpora, "corpora"),
            ("smoothing.models", self.smoothing.models, "models"),
            ("explain.study.models", self.explain.study.models, "models"),
        ):
            for name in chosen:
                if name not in getattr(self, of):
                    raise UserError(f"{key}: {name!r} is not listed in `{of}`; add it there, or leave it out here")
        for member, names in self.stacking.trainings.items() if self.stacking.corpora else ():
            listed = () if names == LINEAR else zip(names, ("models", "regimes", "losses"), strict=True)
            for name, of in listed:
                if name not in getattr(self, of):
                    raise UserError(
                        f"stacking.members: {member!r}: {name!r} is not listed in `{of}`; add it there, or leave the "
                        "member out"
                    )
        substituting = [name for name in self.regimes if self.regime[name].takes_substitutes]
        for corpus in self.corpora if substituting else ():
            if corpus not in self.substitutes.corpora:
                raise UserError(
                    f"regimes: {substituting[0]!r} needs substitutes for {corpus!r}; list it in substitutes.corpora"
                )
        if self.certify.models and not self.substitutes.corpora:
            raise UserError("certify.models: for substitutes of words, and none are chosen; list substitutes.corpora")
        if bool(self.words.corpora) != bool(self.words.models):
            raise UserError("words: `corpora` and `models` say together what is attacked; give both or neither")
        for key, labels in (("explain.labels", self.explain.labels), ("words.k", self.words.k)):
            if labels > self.predict.labels:
                raise ValueError(f"{key}: at most predict.labels, {self.predict.labels}")
        fetched = [
            *self.corpus,
            *self.vector,
            *self.lexicon,
            *self.checkpoint,
            "vectors",
            "lexicons",
            "checkpoints",
            "substitutes",
        ]
        for name, count in Counter(fetched).items():
            if count > 1:
                raise UserError(
                    f"corpus, vector, lexicon, checkpoint: more than one {name!r}, or a folder of data; rename it"
                )
        for name, tune in self.tune.items():
            tune.check(_named(self.model, name, "tune"), f"tune.{name}")
        for corpus, settings in self.corpus.items():
            for name in settings.model:
                _named(self.model, name, f"corpus.{corpus}.model")
            for name in self.model:
                self.encode_of(corpus, name)
        return self

    def corpus_of(self, corpus: str) -> Corpus:
        """Return `corpus.NAME`."""
        return _named(self.corpus, corpus, "corpus")

    def encode_of(self, corpus: str, model: str | None = None) -> Encode:
        """Return `encode` with the overrides of `corpus`, then those of `model`, if one is given."""
        settings = _named(self.corpus, corpus, "corpus")
        encode = override(self.encode, settings.encode, f"corpus.{corpus}.encode")
        if model is None:
            return encode
        place = f"corpus.{corpus}." if "encode" in settings.model.get(model, {}) else ""
        return override(encode, self.model_of(corpus, model).encode, f"{place}model.{model}.encode")

    def model_of(self, corpus: str, model: str) -> Model:
        """Return `model.NAME` with the overrides of `corpus`."""
        changes = _named(self.corpus, corpus, "corpus").model.get(model, {})
        return override(_named(self.model, model, "model"), changes, f"corpus.{corpus}.model.{model}")

    def tune_of(self, model: str) -> Tune:
        """Return `tune.NAME`, or raise `UserError` where it has no range."""
        if not (tune := _named(self.tune, model, "tune")).ranges:
            raise UserError(f"tune.{model}: no ranges; give one, such as training.learning_rate")
        return tune

    def regime_of(self, regime: str) -> Regime:
        """Return `regime.NAME`."""
        return _named(self.regime, regime, "regime")

    def checkpoint_of(self, checkpoint: str) -> Checkpoint:
        """Return `checkpoint.NAME`."""
        return _named(self.checkpoint, checkpoint, "checkpoint")

    def loss_of(self, loss: str) -> Loss:
        """Return `loss.NAME`."""
        return _named(self.loss, loss, "loss")


def _named(known: dict[str, Any], name: str, place: str) -> Any:
    if name not in known:
        raise UserError(f"{place}: {name!r} is not defined; known are {', '.join(known)}")
    return known[name]


def model_of(recipe: Any, place: str) -> Model:
    """Return a recipe as it stands in params.yaml. Raises `UserError`, naming `place`, for what it cannot be."""
    try:
        return TypeAdapter(AnyModel).validate_python(recipe)
    except ValidationError as error:
        raise UserError(_describe(error, place)) from None


def override(section: Section, changes: dict[str, Any], place: str) -> Any:
    """Return `section` with `changes`. Raises `UserError`, naming `place`, for what it cannot be."""
    merged = section.model_dump()
    for key, value in changes.items():
        merged[key] = (
            {**merged[key], **value} if isinstance(merged.get(key), dict) and isinstance(value, dict) else value
        )
    try:
        return type(section).model_validate(merged)
    except ValidationError as error:
        raise UserError(_describe(error, place)) from None


def format_epsilon(epsilon: float) -> str:
    """Return the one spelling of an epsilon, as in `metrics/.../eps=0.10.json`: at least two decimals, no exponent."""
    whole, _, decimals = f"{epsilon:.6f}".rstrip("0").partition(".")
    return f"{whole}.{decimals:0<2}"


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check params.yaml. Raises `UserError` that names the key, the value and what is allowed."""
    if not path.exists():
        raise UserError(f"{path}: no such file; run from the folder that holds it")
    content = load_yaml(path)
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{path}: {_describe(error)}") from None
    except UserError as error:  # of a name or an override
        raise UserError(f"{path}: {error}") from None


def _describe(error: ValidationError, place: str = "") -> str:
    """Return the first complaint of pydantic as `key: what is allowed (value)`."""
    first = error.errors()[0]
    tags = {_tag(name) for name in ARCHITECTURES}
    parts = [str(part) for part in first["loc"] if part not in tags]
    key = ".".join([place] * bool(place) + parts)
    if first["type"] == "extra_forbidden":
        return f"{key}: unknown parameter; remove it or mend its spelling"
    if first["type"] == "missing":
        return f"{key}: missing; add it"
    message, value = first["msg"].removeprefix("Value error, "), first["input"]
    if first["type"] == "architecture":
        key, value = f"{key}.architecture", value["architecture"]
    return f"{key}: {message} (is {reprlib.repr(value)})" if key else message
