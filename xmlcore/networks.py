"""The shape of each architecture as params.yaml gives it; the networks themselves are in `xmlcore.models`."""

from typing import Annotated, Literal

from pydantic import Field

from xmlcore.sections import Fraction, PositiveInt, Section


class XMLCNNNetwork(Section):
    """The shape of XML-CNN (`xmlcore.models.xml_cnn`)."""

    windows: Annotated[list[PositiveInt], Field(min_length=1)] = [2, 4, 8]
    filters: PositiveInt = 128
    chunks: PositiveInt = 1
    hidden: PositiveInt = 512
    dropout: Fraction = 0.5
    initialisation: Literal["averaging", "torch"] = "averaging"


NETWORKS = {"xml_cnn": XMLCNNNetwork}
