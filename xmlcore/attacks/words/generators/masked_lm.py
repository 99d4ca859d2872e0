"""Words that a masked language model expects in a place (Li et al. 2020, with the word masked as in seed 003)."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product

import numpy as np
import torch
from torch import Tensor

from xmlcore.attacks.words.generators import Request
from xmlcore.attacks.words.victim import is_substitutable
from xmlcore.batching import batches, pad
from xmlcore.checkpoints import load_masked_lm
from xmlcore.masked_lm import masked_logits

BATCH_SIZE = 32  # documents read at once
PRODUCT = 4  # combinations of pieces that are ranked for each substitute wanted
LONGEST = 4  # pieces; a word of more is substituted by words of one piece


class MaskedLMGenerator:
    """A checkpoint of `transformers`. A word of one piece is substituted by words of one piece, best first.

    A word of several pieces is masked piece by piece; the best pieces of each place are combined, at most `PRODUCT`
    times as many as are wanted, and ranked by the sum of their log-probabilities.
    """

    def __init__(self, name: str) -> None:
        """Load checkpoint `name`, a folder or a name of the hub. Raises `UserError` where there is none."""
        self._tokenizer, self._model = load_masked_lm(name, "words.masked_lm")
        pieces = self._tokenizer.convert_ids_to_tokens(range(len(self._tokenizer)))
        special = set(self._tokenizer.all_special_tokens)
        continues = [piece.startswith("##") for piece in pieces]
        self._pieces = [piece.removeprefix("##") for piece in pieces]
        usable = [
            piece not in special and is_substitutable(text) for piece, text in zip(pieces, self._pieces, strict=True)
        ]
        self._begins = torch.tensor([ok and not each for ok, each in zip(usable, continues, strict=True)])
        self._continues = torch.tensor(
            [each and piece not in special for piece, each in zip(pieces, continues, strict=True)]
        )
        self._encode = lru_cache(maxsize=100_000)(self._encode_word)

    @torch.inference_mode()
    def propose(self, requests: Sequence[Request], count: int) -> list[list[str]]:
        inputs = [self._masked(request) for request in requests]
        found: list[list[str]] = [[] for _ in requests]
        for chosen in batches(np.array([len(each) for each in inputs]), BATCH_SIZE):
            for i, logits in zip(chosen, self._logits([inputs[i] for i in chosen]), strict=True):
                word = requests[i].words[requests[i].position].lower()
                found[i] = [each for each in self._words(logits.log_softmax(1), count + 1) if each.lower() != word][
                    :count
                ]
        return found

    def _masked(self, request: Request) -> np.ndarray:
        """(T,) ids of the document with masks in place of the word, cut to what the model reads around them."""
        masks = [self._tokenizer.mask_token_id] * self._count(request.words[request.position])
        room = self._model.config.max_position_embeddings - 2 - len(masks)
        before = self._context(reversed(request.words[: request.position]), room)
        after = self._context(request.words[request.position + 1 :], room)
        left = min(len(before), max(room // 2, room - len(after)))
        ids = [*before[:left][::-1], *masks, *after[: room - left]]
        return np.array([self._tokenizer.cls_token_id, *ids, self._tokenizer.sep_token_id])

    def _context(self, words: Iterator[str] | Sequence[str], room: int) -> list[int]:
        """The ids of at most `room` pieces of `words`, as they come."""
        ids: list[int] = []
        for word in words:
            if len(ids) >= room:
                break
            ids += self._encode(word)
        return ids[:room]

    def _count(self, word: str) -> int:
        """How many masks stand for `word`."""
        pieces = len(self._encode(word))
        return pieces if 1 <= pieces <= LONGEST and self._tokenizer.unk_token_id not in self._encode(word) else 1

    def _logits(self, inputs: list[np.ndarray]) -> list[Tensor]:
        """Of each input the logits (M, V) at its M masks."""
        tokens = pad(inputs)
        places = tokens == self._tokenizer.mask_token_id
        return list(masked_logits(self._model, tokens, places).split(places.sum(1).tolist()))

    def _words(self, log_probabilities: Tensor, count: int) -> list[str]:
        """The best `count` words, of log-probabilities (M, V) of their pieces."""
        first = log_probabilities[0].masked_fill(~self._begins, -torch.inf)
        if len(log_probabilities) == 1:
            best = first.topk(min(count, int(self._begins.sum())))
            return [self._pieces[i] for i in best.indices.tolist()]
        rest = log_probabilities[1:].masked_fill(~self._continues, -torch.inf)
        each = min(max(int((PRODUCT * count) ** (1 / len(log_probabilities))), 1), len(self._pieces))
        best = torch.vstack([first, rest]).topk(each)
        combined = sorted(
            (-sum(score for score, _ in pieces), "".join(self._pieces[i] for _, i in pieces))
            for pieces in product(*(zip(s.tolist(), i.tolist(), strict=True) for s, i in zip(*best, strict=True)))
        )
        return [*dict.fromkeys(word for score, word in combined if score < torch.inf)][:count]

    def _encode_word(self, word: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(word, add_special_tokens=False)) if word else ()
