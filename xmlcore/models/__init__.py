"""One protocol carries every architecture: attacks, defences and explanations need nothing else of a network."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from xmlcore.text import PAD


class Classifier(nn.Module, ABC):
    """A multi-label classifier in two halves, cut where gradient attacks and attributions act.

    Shapes: `B` batch, `T` tokens, `D` embedding width, `L` labels.
    """

    labels: int  # L

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

    @abstractmethod
    def initialise_output(self, prior: Tensor) -> None:
        """Let every label begin at its logit `prior` (L,), whatever the document."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (B, L) of `tokens` (B, T)."""
        return self.score(self.embed(tokens), tokens != PAD)
