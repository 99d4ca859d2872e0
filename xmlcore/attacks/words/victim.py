"""A classifier as word attacks see it: a text as words, and the scores and ranks of labels for changed copies of it."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from torch import Tensor

from xmlcore.config.params import Scores
from xmlcore.data.batches import pad
from xmlcore.data.text_reader import TextReader
from xmlcore.data.tokens import UNK, fold, is_word
from xmlcore.models.base import TokenClassifier

WORD_BEGINS = "\N{LOWER ONE EIGHTH BLOCK}\N{LATIN CAPITAL LETTER G WITH DOT ABOVE}"  # as pieces of XLNet, of GPT-2
DOCUMENTS = 64  # whose logits are kept: what is asked again of a group of attacks
MASK = "<unk>"  # what hides a word: outside every vocabulary, so that a model reads the unknown word


@lru_cache(maxsize=100_000)
def is_substitutable(word: str) -> bool:
    """Return whether `word` is a word, and not a stop word of English."""
    return any(letter.isalnum() for letter in word) and fold(word) not in ENGLISH_STOP_WORDS


class Judgement(NamedTuple):
    """Of S copies of a document, and the G labels that were asked."""

    scores: np.ndarray  # (S, G) float32, what the attack moves
    ranks: np.ndarray  # (S, G) int64, 1 for the best label


class Victim:
    """A classifier behind its tokenizer. Memory is bounded by `batch_size` documents, whatever is asked.

    A word is one token where the model reads words. Where it reads the pieces of a checkpoint, a word is what stands
    between spaces, and has as many tokens as pieces.
    """

    def __init__(self, model: TokenClassifier, reader: TextReader, batch_size: int, scores: Scores = "logits") -> None:
        self.model = model.eval()
        self.labels = model.labels
        self._score_substitutes = model.substitutes_scorer()
        self._scores = scores
        self._reader = reader
        self._batch_size = batch_size
        self._cached = lru_cache(maxsize=100_000)(self._encode_word)
        self._whole = lru_cache(maxsize=DOCUMENTS)(self._score_whole)

    def words(self, text: str) -> list[str]:
        """Return the words of `text` that the model reads; those beyond its maximum are cut off."""
        if self._reader.pieces is None:
            return self._reader.tokenize(text)[: self._reader.max_tokens]
        words, left = text.split(), self._reader.max_tokens
        for count, word in enumerate(words):
            left -= len(self.tokens_of(word))
            if left <= 0:
                return words[: count + 1]
        return words

    def pieces_of(self, word: str) -> list[str]:
        """Return the tokens of one word; none for "", a deleted word."""
        if not word:
            return []
        return [word] if self._reader.pieces is None or word == MASK else self._reader.tokenize(word)

    def tokens_of(self, word: str) -> tuple[int, ...]:
        """Return the ids of the tokens of one word; none for "", a deleted word."""
        return self._cached(word)

    def single_token_words(self) -> list[tuple[str, int]]:
        """Return the words that are one token, and may stand in for others, with the ids of the tokens.

        A piece is a word where the tokenizer reads its letters as this piece and nothing else.
        """
        vocabulary = self._reader.vocabulary.tokens
        if self._reader.pieces is None:
            words = [(word, i) for i, word in enumerate(vocabulary) if i > UNK]
        else:
            spelled = ((piece.lstrip(WORD_BEGINS), i) for i, piece in enumerate(vocabulary) if i > UNK)
            words = [(word, i) for word, i in spelled if is_word(word) and self.tokens_of(word) == (i,)]
        return [(word, i) for word, i in words if is_substitutable(word)]

    def tokens(self, words: Sequence[str]) -> np.ndarray:
        """Return ids (T,) of the tokens of `words`; one unknown token where there is none."""
        ids = [token for word in words for token in self.tokens_of(word)]
        return np.array(ids[: self._reader.max_tokens] or [UNK], np.int64)

    @torch.inference_mode()
    def best(self, words: Sequence[str], count: int) -> np.ndarray:
        """Return the `count` best labels of one document, or all where there are fewer."""
        return self._whole(tuple(words))[0].topk(min(count, self.labels)).indices.cpu().numpy()

    @torch.inference_mode()
    def judge(self, words: Sequence[str], labels: Sequence[int]) -> Judgement:
        """Return scores and ranks of `labels` for one document."""
        return self._judged(self._whole(tuple(words)), labels)

    @torch.inference_mode()
    def judge_substitutes(
        self, words: Sequence[str], positions: Sequence[int], substitutes: Sequence[str], labels: Sequence[int]
    ) -> Judgement:
        """Return scores and ranks of `labels` for copies of a document, each with one substitute at its position."""
        found = [self._judged(scores, labels) for scores in self._copies(words, positions, substitutes)]
        return Judgement(*(np.concatenate(each) for each in zip(*found, strict=True)))

    def scores_of(self, scores: Tensor) -> Tensor:
        """Return what an attack moves, for `scores` of the model of any shape: themselves or their probabilities."""
        return scores if self._scores == "logits" else self.model.probabilities(scores)

    def _copies(self, words: Sequence[str], positions: Sequence[int], substitutes: Sequence[str]) -> Iterator[Tensor]:
        """Yield the scores (B, L) of the copies, `batch_size` at a time."""
        one_for_one = 0 < len(words) <= self._reader.max_tokens and all(
            len(self.tokens_of(word)) == 1 for word in {*words, *substitutes}
        )
        score = self._score_in_place if one_for_one else self._score_copies
        for first in range(0, len(positions), self._batch_size):
            part = slice(first, first + self._batch_size)
            yield score(words, positions[part], substitutes[part])

    def _score_whole(self, words: tuple[str, ...]) -> Tensor:
        """Return the scores (1, L) of one document."""
        (scores,) = self._copies(words, [0], words[:1] or [MASK])
        return scores

    def _judged(self, scores: Tensor, labels: Sequence[int]) -> Judgement:
        chosen = scores[:, torch.tensor(list(labels), device=scores.device)]
        ranks = torch.stack([1 + (scores > column.unsqueeze(1)).sum(1) for column in chosen.unbind(1)], 1)
        return Judgement(self.scores_of(chosen).cpu().numpy(), ranks.cpu().numpy())

    def _score_in_place(self, words: Sequence[str], positions: Sequence[int], substitutes: Sequence[str]) -> Tensor:
        new = torch.tensor([self.tokens_of(word)[0] for word in substitutes])
        return self._score_substitutes(torch.from_numpy(self.tokens(words)), torch.tensor(list(positions)), new)

    def _score_copies(self, words: Sequence[str], positions: Sequence[int], substitutes: Sequence[str]) -> Tensor:
        copies = [
            self.tokens([*words[:position], substitute, *words[position + 1 :]])
            for position, substitute in zip(positions, substitutes, strict=True)
        ]
        return self.model(pad(copies))

    def _encode_word(self, word: str) -> tuple[int, ...]:
        if not word:
            return ()
        return tuple(self._reader.vocabulary.encode(self.pieces_of(word)))
