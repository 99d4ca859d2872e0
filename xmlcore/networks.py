"""What params.yaml can say of the shape of each architecture; the networks are the modules of `xmlcore.models`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from xmlcore.sections import Fraction, PositiveFloat, PositiveInt, Section


class XMLCNNNetwork(Section):
    """The shape of XML-CNN (`xmlcore.models.xml_cnn`)."""

    windows: Annotated[list[PositiveInt], Field(min_length=1)] = [2, 4, 8]
    filters: PositiveInt = 128
    chunks: PositiveInt = 1
    hidden: PositiveInt = 512
    dropout: Fraction = 0.5
    initialisation: Literal["averaging", "torch"] = "averaging"


class XLNetShape(Section):
    """The sizes of an XLNet (`xmlcore.models.xlnet`)."""

    width: PositiveInt
    layers: PositiveInt
    heads: PositiveInt
    inner: PositiveInt
    activation: Literal["gelu", "relu"] = "gelu"
    norm_epsilon: PositiveFloat = 1e-12

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "XLNetShape":
        if self.width % self.heads or self.width % 2:
            raise ValueError(f"width: an even multiple of heads, {self.heads} (is {self.width})")
        return self


class APLCXLNetNetwork(Section):
    """The shape of APLC-XLNet (`xmlcore.models.aplc_xlnet`)."""

    checkpoint: Annotated[str, Field(min_length=1)]
    body: XLNetShape | None = None  # None: as the checkpoint, with its weights; a stored model has its own here
    hidden: PositiveInt = 768
    clusters: list[Annotated[float, Field(gt=0, lt=1)]] = [0.5]  # where the tails begin, as shares of the labels
    factor: Annotated[float, Field(ge=1)] = 2.0  # by which each tail is narrower than the one before
    dropout: Fraction = 0.1

    @model_validator(mode="after")
    def _clusters_rise(self) -> "APLCXLNetNetwork":
        if sorted(set(self.clusters)) != self.clusters:
            raise ValueError("clusters: shares that rise, such as [0.25, 0.5]")
        return self


NETWORKS = {"xml_cnn": XMLCNNNetwork, "aplc_xlnet": APLCXLNetNetwork}
