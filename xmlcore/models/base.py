"""One protocol carries every model: attacks, defences and explanations need nothing else of it.

What reads tokens is a `TokenClassifier`: enough to predict, for LIME, SHAP and attacks on words. A network is a
`Classifier`, which has embeddings besides.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmlcore.common.device import to_device
from xmlcore.common.errors import UserError
from xmlcore.data.batches import TrueLabels
from xmlcore.data.dataset import Split
from xmlcore.data.tokens import PAD
from xmlcore.models.bounds import LogitBounds
from xmlcore.models.losses import binary_cross_entropy
from xmlcore.models.precomputed_rows import PrecomputedRows
from xmlcore.models.token_rows import SubstitutedRows, TokenRows

BOUNDED = 512  # labels in training: others hardly ever pass one that is true

Distinct = Callable[[Tensor], TokenRows]
SubstitutesScorer = Callable[[Tensor, Tensor, Tensor], Tensor]  # as `TokenClassifier.score_substitutes`
Objective = Callable[[Tensor], Tensor]  # of scores (..., K), one number (...) for each row


class TokenClassifier(nn.Module, ABC):
    """A multi-label classifier of token ids; `forward` returns the scores (B, L) of `tokens` (B, T).

    Shapes: `B` batch, `T` tokens, `L` labels, `V` tokens of the vocabulary. A score is any finite number that rises
    with the probability of its label: a logit, where nothing else is said. `tokens` are int64, padded with `PAD` on the
    right, on any device, best on the CPU, where to find the distinct ones keeps no GPU waiting. All else is on
    `device`.
    """

    labels: int  # L, how many

    @property
    @abstractmethod
    def vocabulary_size(self) -> int:
        """V, how many tokens are known."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the classifier computes."""

    @abstractmethod
    def narrow(self, labels: Tensor) -> "TokenClassifier":
        """Return this classifier with the scores of the label ids `labels` (K,) alone; it shares all other weights."""

    def probabilities(self, scores: Tensor) -> Tensor:
        """Return the probabilities of `scores`, of any shape."""
        return scores.sigmoid()

    @abstractmethod
    def document_vectors(self, tokens: Tensor) -> Tensor:
        """Return vectors (B, ·) of the documents `tokens` (B, T), whose cosine says how alike they are to the model."""

    @abstractmethod
    def score_substitutes(self, tokens: Tensor, positions: Tensor, substitutes: Tensor) -> Tensor:
        """Return the scores (S, L) of S copies of one document, each with token `substitutes[s]` at `positions[s]`.

        `tokens` (T,) are without padding.
        """

    def substitutes_scorer(self) -> SubstitutesScorer:
        """Return `score_substitutes` for many documents, between which it may keep what single tokens cost.

        The weights of the model must not change meanwhile.
        """
        return self.score_substitutes

    @abstractmethod
    def preferences(self, tokens: Tensor, position: int, labels: Sequence[int], objective: Objective) -> Tensor:
        """Return (V,) how much each token would raise `objective`, the scores of `labels`, if it stood at `position`.

        `tokens` (T,) are one document without padding; of the figures the order counts.
        """

    def token_bounds(self, tokens: Tensor, substitutes: Tensor, share: float = 1.0) -> LogitBounds | None:
        """Return bounds of the scores whatever `substitutes` (V, K) of each token, itself first, stand in `tokens`.

        `tokens` are (B, T), and at most a `share` of those of a document is substituted, rounded down. None: this model
        has no bounds.
        """
        return None


class Classifier(TokenClassifier):
    """A multi-label classifier in two halves, cut where gradient attacks and attributions act.

    Its scores are logits. `D` is the embedding width. Besides `embeddings` (B, T, D) and `mask` (B, T), a batch may be
    given as `TokenRows`, in which equal tokens share their work.
    """

    sparse_embedding = False  # whether the gradient of the table is sparse

    @abstractmethod
    def embed(self, tokens: Tensor) -> Tensor:
        """Return the embeddings (B, T, D) of `tokens` (B, T) int64, padded with `PAD` on the right."""

    @abstractmethod
    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Return the logits (B, L) of `embeddings` (B, T, D).

        `mask` (B, T) is true at real tokens, which come first.
        """

    @property
    @abstractmethod
    def embedding_table(self) -> Tensor:
        """The (V, D) table that `embed` looks tokens up in."""

    @property
    def part_widths(self) -> Sequence[int]:
        """How wide the vectors are that lie side by side in an embedding; they sum to D."""
        return (self.embedding_table.shape[1],)

    @property
    def vocabulary_size(self) -> int:
        return len(self.embedding_table)

    @property
    def device(self) -> torch.device:
        return self.embedding_table.device

    @property
    @abstractmethod
    def output_parameters(self) -> Sequence[nn.Parameter]:
        """The parameters that belong to single labels."""

    @abstractmethod
    def initialise_output(self, prior: Tensor) -> None:
        """Let every label begin at its logit `prior` (L,), whatever the document."""

    @abstractmethod
    def narrow(self, labels: Tensor) -> "Classifier":
        """Return this classifier with the logits of the label ids `labels` (K,) alone; it shares all other weights."""

    def document_vectors(self, tokens: Tensor) -> Tensor:
        """Return the means (B, D) of the embeddings of the documents `tokens` (B, T)."""
        table = self.embedding_table.detach()
        real = to_device(tokens != PAD, table.device).to(table.dtype).unsqueeze(-1)
        return (table[to_device(tokens, table.device)] * real).sum(1) / real.sum(1)

    def score_substitutes(self, tokens: Tensor, positions: Tensor, substitutes: Tensor) -> Tensor:
        batch = self.distinct(torch.cat([tokens, substitutes])[None])
        document, substituted = batch.row_of[0].split([len(tokens), len(substitutes)])
        document_rows = TokenRows(self.precompute(batch.rows), document)
        return self.score_substitutions(document_rows, to_device(positions, self.device), substituted)

    def substitutes_scorer(self) -> SubstitutesScorer:
        return PrecomputedRows(self).score_substitutes

    def preferences(self, tokens: Tensor, position: int, labels: Sequence[int], objective: Objective) -> Tensor:
        """Return (V,) to first order how much each token would raise `objective` (HotFlip, Ebrahimi et al. 2018).

        It is the product of the gradient at the position and the token's embedding, but for what all tokens share.
        """
        batch = self.distinct(tokens[None])
        rows = batch.rows.detach()
        probe = rows.new_zeros(*batch.row_of.shape, rows.shape[1], requires_grad=True)
        logits = self.score_rows(batch._replace(rows=rows), probe)[0, list(labels)]
        (gradient,) = torch.autograd.grad(objective(logits), probe)
        return self.embedding_table.detach() @ gradient[0, position]

    def prepare(self, split: Split, seed: int, distinct: Distinct | None = None) -> None:
        """Take from `split`, the training documents, what no gradient finds: groups of labels, initial weights.

        `distinct` is the method `distinct` of the model that this one is a part of, if it is a part.
        """

    def network_found(self) -> dict[str, Any]:
        """Return what of the section `network` was not known before the model was built, and a stored model needs."""
        return {}

    def loss(self, batch: TokenRows, labels: TrueLabels, probe: Tensor | None = None) -> Tensor:
        """Return the binary cross-entropy of a batch, summed over documents and labels; for `probe` see `score_rows`.

        A model that does not compute every label in training has a loss of its own, over what it computes.
        """
        return binary_cross_entropy(self.score_rows(batch, probe), labels.targets(labels.ids, self.labels))

    def distinct(self, tokens: Tensor) -> TokenRows:
        """Return `embed(tokens)` of `tokens` (B, T) with one row for each distinct token."""
        distinct, index = functional.pad(tokens.flatten(), (1, 0), value=PAD).unique(return_inverse=True)
        return TokenRows(self._looked_up(distinct), to_device(index[1:].view_as(tokens), self.device))

    def distinct_with_substitutes(self, tokens: Tensor, substitutes: Tensor) -> SubstitutedRows:
        """Return `embed(tokens)` of `tokens` (B, T), and of the `substitutes` (V, K) of each, one row for each token.

        A token is the first of its own substitutes, and `PAD` the only one of `PAD`.
        """
        own, row_of = functional.pad(tokens.flatten(), (1, 0), value=PAD).unique(return_inverse=True)
        reached, places = substitutes[own].unique(return_inverse=True)
        new = torch.ones_like(reached, dtype=torch.bool).index_fill(0, places[:, 0], False)
        row = (len(own) - 1 + new.cumsum(0)).index_copy(0, places[:, 0], torch.arange(len(own), device=own.device))
        rows = self._looked_up(torch.cat([own, reached[new]]))
        return SubstitutedRows(
            rows, to_device(row_of[1:].view_as(tokens), rows.device), to_device(row[places], rows.device)
        )

    def _looked_up(self, tokens: Tensor) -> Tensor:
        """Return the rows (U, D) of the table of distinct `tokens` (U,)."""
        table = self.embedding_table
        return functional.embedding(
            to_device(tokens, table.device), table, padding_idx=PAD, sparse=self.sparse_embedding
        )

    def score_rows(self, batch: TokenRows, probe: Tensor | None = None) -> Tensor:
        """Return the logits (B, L) of a batch.

        `probe` (N, T, D), zeros, N <= B, is added to the first N documents: it changes nothing, and its gradient is
        that of the embeddings, position by position, where the rows would sum it over the positions that share a row.
        """
        return self.score(batch.embeddings(probe), batch.mask)

    def score_steps(self, batch: TokenRows, direction: Tensor, steps: Sequence[float]) -> list[Tensor]:
        """Return the logits (B, L) at each of `steps` along `direction` (B, T, D), which is zero at the padding."""
        return [self.score(batch.embeddings() + step * direction, batch.mask) for step in steps]

    def precompute(self, rows: Tensor) -> Tensor:
        """Return (R, E) what `score_substitutions` needs of each of `rows` (R, D) alone; row 0 is the padding."""
        return rows

    def score_substitutions(self, document: TokenRows, positions: Tensor, substitutes: Tensor) -> Tensor:
        """Return the logits (S, L) of S copies of one document, each with row `substitutes[s]` at `positions[s]`.

        `rows` of the document are as `precompute` returns them, and `row_of` is (T,), without padding; no substitute is
        row 0.
        """
        copies = document.row_of.expand(len(positions), -1).scatter(1, positions[:, None], substitutes[:, None])
        return self.score_rows(document._replace(row_of=copies))

    def bounds(self, batch: SubstitutedRows, radius: float = 1.0, share: float = 1.0) -> LogitBounds | None:
        """Return bounds of the logits whatever substitutes stand in `batch`; None: this model has none.

        Each substitute is moved to `radius` of its way from the token that it stands for. At most a `share` of the
        positions of a document is substituted, rounded down; bounds that hold for more of them are bounds, too.
        """
        return None

    def token_bounds(self, tokens: Tensor, substitutes: Tensor, share: float = 1.0) -> LogitBounds | None:
        return self.bounds(self.distinct_with_substitutes(tokens, substitutes), share=share)

    def losses_within(self, batch: SubstitutedRows, labels: TrueLabels, radius: float) -> tuple[Tensor, Tensor] | None:
        """Return the loss of a batch as it is, and of the worst logits within its `bounds`, as `loss` sums them up.

        The worst logit of a true label is the least that it can be, and of any other label the most. Of more labels
        than `BOUNDED` those are bounded that a document of the batch has, then those that rank highest in any.
        """
        bounds = self.bounds(batch, radius)
        if bounds is None:
            return None
        own, targets = bounds.unchanged(), labels.targets(labels.ids, self.labels)
        height = own.detach().masked_fill(targets > 0, torch.inf).amax(0)
        chosen = height.topk(min(BOUNDED, self.labels)).indices
        _, low, high = bounds.logits_of(chosen)
        worst = own.index_copy(1, chosen, torch.where(targets[:, chosen] > 0, low, high))
        return binary_cross_entropy(own, targets), binary_cross_entropy(worst, targets)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits (B, L) of `tokens` (B, T)."""
        return self.score_rows(self.distinct(tokens))


def with_embeddings(model: TokenClassifier, asked: str) -> Classifier:
    """Return `model`, which must have embeddings. Raises `UserError` where it has none: `asked` does not apply."""
    if not isinstance(model, Classifier):
        raise UserError(
            f"{asked}: does not apply to a model without embeddings, as the linear classifier is; "
            "choose another, or a network"
        )
    return model
