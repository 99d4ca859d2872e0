"""XML-CNN as other libraries have it, where they are installed."""

from collections.abc import Iterator
from importlib.util import find_spec

from torch import Tensor, nn

from xmlcore.models.xml_cnn.model import XMLCNN


class LibMultiLabel(nn.Module):
    """The XML-CNN of LibMultiLabel, in the shape of ours: `pip install --no-deps libmultilabel`."""

    def __init__(self, model: XMLCNN) -> None:
        from libmultilabel.nn.networks import XMLCNN as Peer

        super().__init__()
        self.network = Peer(
            model.embedding_table.detach().clone(),
            model.labels,
            embed_dropout=0,
            post_encoder_dropout=model.dropout.p,
            filter_sizes=list(model.windows),
            hidden_dim=model.bottleneck.out_features,
            num_filter_per_size=model.filters,
            num_pool=model.chunks,
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (B, L)."""
        return self.network({"text": tokens})["logits"]


def installed_peers(model: XMLCNN) -> Iterator[tuple[str, nn.Module]]:
    """Name and network, in the shape of `model`, of each peer that can be imported."""
    if find_spec("libmultilabel"):
        yield "LibMultiLabel", LibMultiLabel(model)
