"""Words whose vectors point the same way, in the corpus's own vectors (as the synonyms of Jin et al. 2020)."""

from collections.abc import Sequence

import numpy as np

from xmlcore.attacks.words.generators.base import Request
from xmlcore.attacks.words.language import Language
from xmlcore.data.tokens import UNK


class Neighbours:
    def __init__(self, language: Language) -> None:
        self._vocabulary = language.vocabulary
        norms = np.linalg.norm(language.vectors, axis=1, keepdims=True)
        self._directions = language.vectors / np.maximum(norms, 1e-8)

    def propose(self, requests: Sequence[Request], count: int) -> list[list[str]]:
        words = [request.words[request.position] for request in requests]
        ids = np.array([self._vocabulary.encode([word])[0] for word in words])
        cosine = self._directions[ids] @ self._directions.T
        cosine[:, : UNK + 1] = -np.inf
        cosine[np.arange(len(ids)), ids] = -np.inf
        nearest = np.argsort(-cosine, axis=1, kind="stable")[:, :count]
        return [
            [self._vocabulary.tokens[i] for i in row[np.isfinite(of_row[row])]] if word_id > UNK else []
            for word_id, row, of_row in zip(ids, nearest, cosine, strict=True)
        ]
