"""Every architecture: its name, its shape as params.yaml gives it, and where its network is; and what is no network."""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, Field, model_validator

from xmlcore.common.source_code import module_file
from xmlcore.config.schema import Fraction, PositiveFloat, PositiveInt, Section, Share


class XMLCNNNetwork(Section):
    """The shape of XML-CNN (`xmlcore.models.xml_cnn.model`)."""

    windows: Annotated[list[PositiveInt], Field(min_length=1)] = [2, 4, 8]
    filters: PositiveInt = 128
    chunks: PositiveInt = 1
    hidden: PositiveInt = 512
    embedding_dropout: Fraction = 0.0  # of each value of each token
    dropout: Fraction = 0.5
    initialisation: Literal["averaging", "kaiming", "torch"] = "averaging"


def _is_power_of_two(number: int) -> int:
    if number & (number - 1):
        raise ValueError("a power of two, as the label tree splits groups in two")
    return number


class AttentionXMLNetwork(Section):
    """The shape of AttentionXML (`xmlcore.models.attention_xml.model`)."""

    lstm: PositiveInt = 256  # units in each direction
    hidden: Annotated[list[PositiveInt], Field(min_length=1)] = [256]  # the layers that all labels share
    embedding_dropout: Fraction = 0.2
    dropout: Fraction = 0.5
    tree: list[Annotated[PositiveInt, AfterValidator(_is_power_of_two)]] = []  # groups at each level; none: flat
    candidates: PositiveInt = 32  # groups of a level whose members are looked at
    encoders: Literal["shared", "one_a_level"] = "shared"  # BiLSTMs
    random_fill: bool = False  # in training random labels stand where a family is smaller than the largest


class BagOfWordsNetwork(Section):
    """The shape of a bag of words (`xmlcore.models.bag_of_words`), whose hidden layer is as wide as its embeddings."""

    dropout: Fraction = 0.3
    prototype_scale: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 20.0  # 0: begin at random
    ridge: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0  # the penalty; 0: begin at prototypes


class TransformerShape(Section):
    """What configs of `transformers` have in common, under other names (`xmlcore.data.pretrained`)."""

    width: PositiveInt
    layers: PositiveInt
    heads: PositiveInt
    inner: PositiveInt
    activation: Literal["gelu", "gelu_new", "relu", "silu"] = "gelu"
    norm_epsilon: PositiveFloat = 1e-12

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % self.heads or self.width % 2:
            raise ValueError(f"width: an even multiple of heads, {self.heads} (is {self.width})")
        return self


class XLNetShape(TransformerShape):
    """The fields of an `XLNetConfig` that differ between checkpoints."""


class BERTShape(TransformerShape):
    """The fields of a `BertConfig` that differ between checkpoints."""

    positions: Annotated[int, Field(gt=2)] = 512  # of pieces of words, [CLS] and [SEP] among them
    types: PositiveInt = 2


class APLCNetwork(Section):
    """The shape of `xmlcore.models.aplc.base`, whatever its body."""

    checkpoint: Annotated[str, Field(min_length=1)]
    body: TransformerShape | None = None  # None: as the checkpoint, with its weights; a stored model has its own here
    hidden: PositiveInt = 768
    clusters: list[Annotated[float, Field(gt=0, lt=1)]] = [0.5]  # where the tails begin, as shares of the labels
    factor: Annotated[float, Field(ge=1)] = 2.0  # by which each tail is narrower than the one before
    dropout: Fraction = 0.1

    @model_validator(mode="after")
    def _clusters_rise(self) -> Self:
        if sorted(set(self.clusters)) != self.clusters:
            raise ValueError("clusters: shares that rise, such as [0.25, 0.5]")
        return self


class APLCXLNetNetwork(APLCNetwork):
    """The shape of APLC-XLNet (`xmlcore.models.aplc.xlnet`)."""

    body: XLNetShape | None = None


class APLCBERTNetwork(APLCNetwork):
    """The shape of label clusters on BERT (`xmlcore.models.aplc.bert`)."""

    body: BERTShape | None = None


class Memory(Section):
    """How many documents a classifier remembers, and the most labels that one of them has."""

    documents: PositiveInt
    labels: PositiveInt


class SentenceEncoderNetwork(Section):
    """The shape of `xmlcore.models.sentence_encoder`."""

    checkpoint: Annotated[str, Field(min_length=1)]
    layers: PositiveInt  # of its body, the first ones; as many as `embedding.layers`
    body: BERTShape | None = None  # None: as the checkpoint, with its weights; a stored model has its own here
    memory: Memory | None = None  # None: not known before it is prepared; a stored model has its own here
    neighbours: PositiveInt = 40  # documents that vote
    temperature: PositiveFloat = 0.1  # of the softmax over their cosines that weighs the votes
    penalty: PositiveFloat = 0.1  # of the logistic regression, for half the squared length of a label's weights
    linear_share: Share = 0.6  # the regression's, in the probability of a label; the votes have the rest


class Encoder(Section):
    """An architecture that is a part of another, and its shape; just one is given."""

    bag_of_words: BagOfWordsNetwork | None = None
    xml_cnn: XMLCNNNetwork | None = None
    attention_xml: AttentionXMLNetwork | None = None
    aplc_xlnet: APLCXLNetNetwork | None = None
    aplc_bert: APLCBERTNetwork | None = None

    @model_validator(mode="after")
    def _one(self) -> "Encoder":
        if sum(network is not None for _, network in self) != 1:
            raise ValueError(f"give one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def architecture(self) -> str:
        return next(name for name, network in self if network is not None)

    @property
    def network(self) -> Section:
        return getattr(self, self.architecture)


class MACHNetwork(Section):
    """The shape of MACH (`xmlcore.models.mach`)."""

    repetitions: PositiveInt = 4  # R, hash functions and classifiers
    buckets: PositiveInt = 1000  # B, outputs of each classifier
    merge: Literal["mean", "geometric_mean"] = "mean"  # of the probabilities of a label's buckets
    encoder: Encoder


class Member(Section):
    """One of several classifiers side by side."""

    width: PositiveInt  # of its part of the embeddings
    encoder: Encoder
    trained: bool = True  # false: it stays as it is prepared, as a ridge regression may


class EnsembleNetwork(Section):
    """The shape of an ensemble (`xmlcore.models.ensemble`)."""

    members: Annotated[list[Member], Field(min_length=2)]

    @model_validator(mode="after")
    def _one_is_trained(self) -> Self:
        if not any(member.trained for member in self.members):
            raise ValueError("members: let one of them at least be `trained`")
        return self


class WideAndDeepNetwork(EnsembleNetwork):
    """The shape of `xmlcore.models.wide_and_deep`."""

    @model_validator(mode="after")
    def _all_are_trained(self) -> Self:
        if not all(member.trained for member in self.members):
            raise ValueError("members: one loss trains them all; leave `trained` out, or take an ensemble")
        return self


class Architecture(NamedTuple):
    """An architecture: the shape that it has, and the class that builds it, imported when it is first used."""

    network: type[Section]
    place: str  # module:class

    @property
    def source(self) -> Path:
        """Return the file that holds the class."""
        return source_of(self.place)


def source_of(place: str) -> Path:
    """Return the file that holds the class at `place`, module:class."""
    module = place.partition(":")[0]
    file = module_file(module)
    if file is None:
        raise ModuleNotFoundError(module)
    return file


ARCHITECTURES = {
    "xml_cnn": Architecture(XMLCNNNetwork, "xmlcore.models.xml_cnn.model:XMLCNN"),
    "attention_xml": Architecture(AttentionXMLNetwork, "xmlcore.models.attention_xml.model:AttentionXML"),
    "bag_of_words": Architecture(BagOfWordsNetwork, "xmlcore.models.bag_of_words:BagOfWords"),
    "mach": Architecture(MACHNetwork, "xmlcore.models.mach:MACH"),
    "aplc_xlnet": Architecture(APLCXLNetNetwork, "xmlcore.models.aplc.xlnet:APLCXLNet"),
    "aplc_bert": Architecture(APLCBERTNetwork, "xmlcore.models.aplc.bert:APLCBERT"),
    "ensemble": Architecture(EnsembleNetwork, "xmlcore.models.ensemble:Ensemble"),
    "wide_and_deep": Architecture(WideAndDeepNetwork, "xmlcore.models.wide_and_deep:WideAndDeep"),
    "sentence_encoder": Architecture(SentenceEncoderNetwork, "xmlcore.models.sentence_encoder:SentenceEncoder"),
}
BASELINES = {"linear": "xmlcore.models.linear:LinearClassifier"}  # of the stage `baseline`: no recipe, no embeddings
