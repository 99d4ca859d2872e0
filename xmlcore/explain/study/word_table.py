"""The words of one document as the whole vocabulary of a model, so that each can be moved, wherever it stands.

What is moved stays a token: every explainer reads the moved document as it reads any other.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from xmlcore.attacks.embeddings.fgsm import adaptive_epsilon
from xmlcore.common.device import to_device
from xmlcore.data.batches import TrueLabels
from xmlcore.data.text_reader import TextReader
from xmlcore.data.tokens import PAD, SPECIAL_TOKENS, UNK, Vocabulary
from xmlcore.models.base import Classifier
from xmlcore.models.predictor import Predictor
from xmlcore.models.token_rows import TokenRows
from xmlcore.models.wrapped import WithTable

RESERVED = len(SPECIAL_TOKENS)  # rows before the first word


class WordTable:
    def __init__(self, model: Classifier, reader: TextReader, tokens: Sequence[str], batch_size: int) -> None:
        """Take the words of `tokens`, a document as the model reads it."""
        words = [word for word in dict.fromkeys(tokens) if word not in SPECIAL_TOKENS]
        ids = torch.tensor([PAD, UNK, *(reader.vocabulary.encode([word])[0] for word in words)])
        self._model, self._batch_size = model, batch_size
        self._table = model.embedding_table.detach()[ids]
        self._table[PAD] = 0
        self._reader = replace(reader, vocabulary=Vocabulary(words))
        self._index = torch.tensor([self._reader.vocabulary.encode(tokens)], device=model.device)

    def moved(self, movement: Tensor) -> Predictor:
        """Return the model, reading every word moved by its row of `movement` (W, D), in order of first occurrence."""
        table = self._table.clone()
        table[RESERVED:] += movement
        return Predictor(WithTable(self._model, table), self._reader, self._batch_size)

    def noise(self, epsilon: float, generator: torch.Generator) -> Tensor:
        """Return random signs (W, D) as large as FGSM's movement with `epsilon`."""
        words = self._table[RESERVED:]
        drawn = to_device(torch.rand(words.shape, generator=generator), words.device)
        return self._radius(epsilon) * (drawn - 0.5).sign()

    def fgsm(self, labels: TrueLabels, epsilon: float) -> Tensor:
        """Return FGSM's adaptive step (W, D), one for all of a word (Sapkal and Savalia 2025, eqs. 9 and 10)."""
        leaf = self._table.clone().requires_grad_()
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(self._model.loss(TokenRows(leaf, self._index), labels), leaf)
        return self._radius(epsilon) * gradient[RESERVED:].sign()

    def _radius(self, epsilon: float) -> float:
        return float(adaptive_epsilon(TokenRows(self._table, self._index), epsilon))
