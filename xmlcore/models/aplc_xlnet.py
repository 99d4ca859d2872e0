"""APLC-XLNet (Ye et al. 2020): a pretrained XLNet, a hidden layer, and clusters of labels of falling width.

What the attacks perturb are the embeddings of a document's pieces. `score` moves them to the right end, where XLNet
wants them, and appends its <sep> and <cls>; the document is read from the state of <cls> in the last layer. The body is
`transformers.XLNetModel` (Yang et al. 2019) without embeddings of its own.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from xmlcore.batching import TrueLabels
from xmlcore.checkpoints import load_xlnet, xlnet_config
from xmlcore.encoding import Split
from xmlcore.errors import UserError
from xmlcore.models import Distinct, gathered, shallow_copy
from xmlcore.models.common import TableClassifier
from xmlcore.models.label_clusters import LabelClusters
from xmlcore.networks import APLCXLNetNetwork, XLNetShape
from xmlcore.propensity import label_frequencies

if TYPE_CHECKING:
    from transformers import XLNetModel

CLS_SEGMENT = 2  # as XLNet's tokenizer numbers it; all before it is segment 0


class APLCXLNet(TableClassifier):
    """It begins as the checkpoint; with a `network.body`, as a stored model has, no checkpoint is read."""

    def __init__(self, vectors: Tensor, labels: int, network: APLCXLNetNetwork) -> None:
        """`vectors` (V, D) are the initial embeddings, as wide as the body; row `PAD` is held at zero."""
        super().__init__(vectors, labels)
        pretrained = None if network.body else load_xlnet(network.checkpoint)
        self.shape = pretrained.shape if pretrained else network.body
        width = vectors.shape[1]
        if width != self.shape.width:
            raise UserError(
                f"embedding: vectors of width {width} for an XLNet of width {self.shape.width}; give "
                f"{{kind: checkpoint, checkpoint: {network.checkpoint}}}"
            )
        self.body = _body(self.shape, network.dropout)
        self.ending = nn.Parameter(self.body.config.initializer_range * torch.randn(2, width))  # <sep> and <cls>
        self.summary = nn.Linear(width, network.hidden)
        self.clusters = LabelClusters(network.hidden, labels, network.clusters, network.factor)
        self.dropout = nn.Dropout(network.dropout)
        if pretrained:
            self.ending.data.copy_(pretrained.ending)
            self.body.load_state_dict(pretrained.body)

    def described(self, network: APLCXLNetNetwork) -> APLCXLNetNetwork:
        return network.model_copy(update={"body": self.shape})

    @property
    def output_parameters(self) -> Sequence[nn.Parameter]:
        return [*self.clusters.parameters()]

    def prepare(self, split: Split, seed: int, distinct: Distinct | None = None) -> None:
        self.clusters.arrange(torch.from_numpy(label_frequencies(split, labels=self.labels)))

    def initialise_output(self, prior: Tensor) -> None:
        self.clusters.initialise(prior)

    def narrow(self, labels: Tensor) -> "APLCXLNet":
        narrowed = shallow_copy(self)
        narrowed.labels = len(labels)
        narrowed.clusters = self.clusters.narrow(labels)
        return narrowed

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        return self.clusters(self._features(embeddings, mask))

    def loss(self, rows: Tensor, index: Tensor, labels: TrueLabels, probe: Tensor | None = None) -> Tensor:
        """That of the clusters, over the head and the tails that a document has labels in."""
        return self.clusters.loss(self._features(*gathered(rows, index, probe)), labels)

    def _features(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """What a document is about, (B, F), from the embeddings (B, T, D) of its tokens."""
        positions = torch.arange(mask.shape[1], device=mask.device)
        moved = (positions + mask.sum(1, keepdim=True)) % mask.shape[1]  # padding first
        rolled = embeddings.gather(1, moved.unsqueeze(-1).expand_as(embeddings))
        ending = self.ending.expand(len(mask), -1, -1)
        present = torch.cat([mask.gather(1, moved), mask.new_ones(len(mask), 2)], dim=1)
        segments = torch.zeros_like(present, dtype=torch.long)
        segments[:, -1] = CLS_SEGMENT
        states = self.body(
            inputs_embeds=torch.cat([rolled, ending], dim=1),
            attention_mask=present.to(embeddings),
            token_type_ids=segments,
            use_mems=False,
        ).last_hidden_state
        return self.dropout(torch.tanh(self.summary(states[:, -1])))


def _body(shape: XLNetShape, dropout: float) -> "XLNetModel":
    """A random XLNet without its embeddings of words and of the masked word, which fine-tuning does not read."""
    from transformers import XLNetModel

    no_tokens = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"))
    body = XLNetModel(xlnet_config(shape, vocab_size=1, dropout=dropout, **no_tokens))
    del body.word_embedding, body.mask_emb
    return body
