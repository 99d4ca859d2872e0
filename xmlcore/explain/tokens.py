"""What SHAP switches on and off in a document: the model's own tokens, or the pieces of a foreign tokenizer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from xmlcore.data import pretrained

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MASK = "<unk>"  # outside every vocabulary, so a model reads it as the unknown word


class MaskableDocument(Protocol):
    @property
    def tokens(self) -> list[str]: ...

    @property
    def gaps(self) -> list[str]:
        """The text before each token, for display."""
        ...

    def masked(self, keep: np.ndarray) -> list[str]:
        """Return the document as the model reads it when only the tokens where `keep` (n,) is true can be seen."""
        ...


@dataclass(frozen=True)
class ModelTokens:
    """The model's own tokens. A hidden token becomes the unknown word and is not removed.

    Removing it would bring words together that the document keeps apart (n-grams the author never wrote) and move
    every later token to another pooling chunk; the explanation would then mix these effects with the token's own.
    """

    tokens: list[str]

    @property
    def gaps(self) -> list[str]:
        return [" " if position else "" for position in range(len(self.tokens))]

    def masked(self, keep: np.ndarray) -> list[str]:
        return [token if seen else MASK for token, seen in zip(self.tokens, keep, strict=True)]


@dataclass(frozen=True)
class TokenizerPieces:
    """Pieces of a text under a foreign tokenizer, as spans of characters.

    A hidden piece is cut out of the text, and what is left is read by the model's own tokenizer. A mask such as
    `[MASK]` would be read as the word "mask".
    """

    text: str
    spans: list[tuple[int, int]]  # in order, not empty, not overlapping
    tokenize: Callable[[str], list[str]]

    @property
    def tokens(self) -> list[str]:
        return [self.text[start:end] for start, end in self.spans]

    @property
    def gaps(self) -> list[str]:
        ends = [0] + [end for _, end in self.spans]
        return [self.text[end:start] for end, (start, _) in zip(ends, self.spans, strict=False)]

    def masked(self, keep: np.ndarray) -> list[str]:
        parts, position = [], 0
        for (start, end), seen in zip(self.spans, keep, strict=True):
            parts.append(self.text[position : end if seen else start])
            position = end
        return self.tokenize("".join(parts) + self.text[position:])


def load_tokenizer(name: str) -> "PreTrainedTokenizerBase":
    """Return a fast `transformers` tokenizer by name or folder; errors name explain.shap.tokenizer."""
    return pretrained.load_tokenizer(name, "explain.shap.tokenizer", "`model` for the model's own tokens", True)


def splitter(tokenizer: str, tokenize: Callable[[str], list[str]]) -> Callable[[str], MaskableDocument]:
    """Return what cuts a text as explain.shap.tokenizer says: `model`, or the name or folder of a tokenizer.

    `tokenize` is the model's own tokenizer, which reads the masked texts. Raises what `load_tokenizer` raises.
    """
    if tokenizer == "model":
        return lambda text: ModelTokens(tokenize(text))
    foreign = load_tokenizer(tokenizer)
    return lambda text: split_pieces(text, foreign, tokenize)


def split_pieces(
    text: str, tokenizer: "PreTrainedTokenizerBase", tokenize: Callable[[str], list[str]]
) -> TokenizerPieces:
    """Cut `text` with a foreign tokenizer; `tokenize` is the model's own, which reads the masked texts."""
    offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)["offset_mapping"]
    spans: list[tuple[int, int]] = []
    for start, end in offsets:
        start = max(start, spans[-1][1] if spans else 0)  # byte-level pieces may share a character
        if start < end:
            spans.append((start, end))
    return TokenizerPieces(text, spans, tokenize)
