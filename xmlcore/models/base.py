"""One protocol carries every architecture: attacks, defences and explanations need nothing else of a network."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmlcore.config.schema import Section
from xmlcore.data.batches import TrueLabels
from xmlcore.data.dataset import Split
from xmlcore.data.tokens import PAD
from xmlcore.models.losses import binary_cross_entropy

Module = TypeVar("Module", bound=nn.Module)
Distinct = Callable[[Tensor], tuple[Tensor, Tensor]]


class Classifier(nn.Module, ABC):
    """A multi-label classifier in two halves, cut where gradient attacks and attributions act.

    Shapes: `B` batch, `T` tokens, `D` embedding width, `L` labels, `R` rows. Besides `embeddings` (B, T, D) and `mask`
    (B, T), a batch may be given as `rows` (R, D) and `index` (B, T) int64 into them, so that equal tokens share their
    work: row 0 is the zero of the padding, and no other position has index 0.
    """

    labels: int  # L
    sparse_embedding = False  # whether the gradient of the table is sparse

    @abstractmethod
    def embed(self, tokens: Tensor) -> Tensor:
        """Embeddings (B, T, D) of `tokens` (B, T) int64, padded with `PAD` on the right."""

    @abstractmethod
    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Logits (B, L) of `embeddings` (B, T, D); `mask` (B, T) is true at real tokens, which come first."""

    @property
    @abstractmethod
    def embedding_table(self) -> Tensor:
        """The (V, D) table that `embed` looks tokens up in."""

    @property
    @abstractmethod
    def output_parameters(self) -> Sequence[nn.Parameter]:
        """The parameters that belong to single labels."""

    @abstractmethod
    def initialise_output(self, prior: Tensor) -> None:
        """Let every label begin at its logit `prior` (L,), whatever the document."""

    @abstractmethod
    def narrow(self, labels: Tensor) -> "Classifier":
        """This classifier with the logits of `labels` (K,) alone; all other weights are shared."""

    def prepare(self, split: Split, seed: int, distinct: Distinct | None = None) -> None:
        """Take from `split`, the training documents, what no gradient finds: groups of labels, where to begin.

        `distinct` is that of the model that this one is a part of, if it is one.
        """

    def described(self, network: Section) -> Section:
        """`network`, with what was not known of it before the model was built: what a stored model is rebuilt from."""
        return network

    def loss(self, rows: Tensor, index: Tensor, labels: TrueLabels, probe: Tensor | None = None) -> Tensor:
        """The binary cross-entropy of a batch, summed over documents and labels; for `probe` see `score_rows`.

        A model that does not compute every label in training has a loss of its own, over what it computes.
        """
        return binary_cross_entropy(self.score_rows(rows, index, probe), labels.targets(labels.ids, self.labels))

    def distinct(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """`embed(tokens)` as rows, one for each distinct token, and index: equal to `rows[index]`."""
        distinct, index = functional.pad(tokens.flatten(), (1, 0), value=PAD).unique(return_inverse=True)
        rows = functional.embedding(distinct, self.embedding_table, padding_idx=PAD, sparse=self.sparse_embedding)
        return rows, index[1:].view_as(tokens)

    def score_rows(self, rows: Tensor, index: Tensor, probe: Tensor | None = None) -> Tensor:
        """`score` of `rows[index]`.

        `probe` (N, T, D), zeros, N <= B, is added to the first N documents: it changes nothing, and its gradient is
        that of the embeddings, position by position, where `rows` would sum it over the positions that share a row.
        """
        return self.score(*gathered(rows, index, probe))

    def score_steps(self, rows: Tensor, index: Tensor, direction: Tensor, steps: Sequence[float]) -> list[Tensor]:
        """Logits (B, L) at each of `steps` along `direction` (B, T, D), which is zero at the padding."""
        return [self.score(rows[index] + step * direction, index != 0) for step in steps]

    def score_substitutions(self, rows: Tensor, index: Tensor, positions: Tensor, substitutes: Tensor) -> Tensor:
        """Logits (S, L) of S copies of one document, each with the row `substitutes[s]` at `positions[s]`.

        `index` (T,) into `rows` (R, D) is the document, without padding; no substitute is row 0.
        """
        copies = index.expand(len(positions), -1).scatter(1, positions[:, None], substitutes[:, None])
        return self.score_rows(rows, copies)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (B, L) of `tokens` (B, T)."""
        return self.score_rows(*self.distinct(tokens))


def gathered(rows: Tensor, index: Tensor, probe: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Embeddings (B, T, D) of `rows[index]`, with `probe` as in `score_rows`, and their mask (B, T)."""
    embeddings = rows[index]
    if probe is not None:
        embeddings = embeddings + functional.pad(probe, (0, 0, 0, 0, 0, len(index) - len(probe)))
    return embeddings, index != 0


def one_row_each(embeddings: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """`embeddings` (B, T, D) as rows and index, with a row for every position of `mask` (B, T)."""
    real = embeddings.flatten(0, 1).index_select(0, mask.flatten().nonzero()[:, 0])
    rows = torch.cat([embeddings.new_zeros(1, embeddings.shape[2]), real])
    return rows, mask.flatten().cumsum(0).view_as(mask) * mask


def narrow_linear(layer: nn.Linear, labels: Tensor) -> nn.Linear:
    """The outputs `labels` (K,) of `layer`."""
    narrowed = nn.Linear(layer.in_features, len(labels), device="meta")
    narrowed.weight, narrowed.bias = (nn.Parameter(each.detach()[labels]) for each in (layer.weight, layer.bias))
    return narrowed


def shallow_copy(model: Module) -> Module:
    """A copy that shares every parameter and may be given submodules of its own."""
    copied = copy.copy(model)
    copied._modules = dict(model._modules)
    return copied
