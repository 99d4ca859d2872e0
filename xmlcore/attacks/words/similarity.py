"""How alike two documents are: the cosine of their encodings."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

from xmlcore.attacks.words.language import Language
from xmlcore.common.device import CPU
from xmlcore.common.errors import UserError


class Encoder(Protocol):
    def encode(self, documents: Sequence[Sequence[str]]) -> np.ndarray:
        """Return encodings (n, D) of documents of words."""
        ...


class CorpusEncoder:
    """The mean of the corpus's own word vectors, each as heavy as its word is rare; other words count for nothing.

    Needs no network and no pretrained model. It sees words but no order, and knows of a word what the corpus says.
    """

    def __init__(self, language: Language) -> None:
        self._language = language

    def encode(self, documents: Sequence[Sequence[str]]) -> np.ndarray:
        vectors, idf = self._language.vectors, self._language.idf
        encodings = np.zeros((len(documents), vectors.shape[1]))
        for row, words in zip(encodings, documents, strict=True):
            ids = self._language.vocabulary.encode(words)
            row += (vectors[ids] * idf[ids, None]).sum(0)
        return encodings


class SentenceEncoder:
    """A model of `sentence-transformers`, such as all-MiniLM-L6-v2, that is in its cache or a folder."""

    def __init__(self, name: str, device: torch.device = CPU) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise UserError(
                "words.encoder: sentence-transformers is not installed; `pip install sentence-transformers`, "
                "or give `corpus`"
            ) from None
        try:
            self._model = SentenceTransformer(name, device=str(device), local_files_only=True)
        except (OSError, ValueError) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise UserError(
                f"words.encoder: no sentence encoder can be loaded from {name!r}; give `corpus`, a folder with one, "
                f"or a name that was downloaded before ({reason})"
            ) from error

    def encode(self, documents: Sequence[Sequence[str]]) -> np.ndarray:
        texts = [" ".join(word for word in words if word) for words in documents]
        return self._model.encode(texts, batch_size=64, show_progress_bar=False)


def load_encoder(name: str, language: Language, device: torch.device = CPU) -> Encoder:
    """Return what words.encoder names: `corpus`, or a model of `sentence-transformers`, by name or folder."""
    return CorpusEncoder(language) if name == "corpus" else SentenceEncoder(name, device)


def similarities(encoder: Encoder, first: Sequence[Sequence[str]], second: Sequence[Sequence[str]]) -> np.ndarray:
    """Return (n,) the cosine of each pair, at least 0; documents without words that count are like equal ones."""
    if not first:
        return np.zeros(0)
    a, b = encoder.encode(first), encoder.encode(second)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = (a * b).sum(1) / np.where(norms > 0, norms, 1)
    equal = np.array([list(x) == list(y) for x, y in zip(first, second, strict=True)])
    return np.where(equal, 1.0, cosine.clip(0, 1))
