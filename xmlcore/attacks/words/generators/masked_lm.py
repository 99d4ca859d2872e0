"""What a masked language model reads in the place of a word (BERT-Attack, Li et al. 2020)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from xmlcore.attacks.words.generators.base import Request
from xmlcore.attacks.words.language_model import masked_logits
from xmlcore.attacks.words.victim import is_substitutable
from xmlcore.common.device import CPU, to_device
from xmlcore.data.batches import batches
from xmlcore.data.pretrained import load_masked_lm
from xmlcore.data.tokens import fold

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BATCH = 16  # requests that the model reads at once: what bounds the memory
BREADTH = 4  # combinations of pieces that are ranked, for each substitute that is asked
_SPELLING = re.compile(r"[^\W_][^\s\ufffd]*")  # of a piece that may be put in: no punctuation, no part of a letter


class _Cut(NamedTuple):
    """A word in P pieces, of which the M with a letter or digit are those that can be hidden."""

    ids: list[int]  # (P)
    hidden: list[int]  # (M) their indices
    frame: list[str]  # (M + 1) what stands before, between and after them


class _Context(NamedTuple):
    """A word hidden in the text around it."""

    tokens: Tensor  # (T,) int64
    places: list[int]  # (M) of the masks
    begins: list[bool]  # (M) whether the hidden piece begins a word
    frame: list[str]  # (M + 1)


class MaskedLMGenerator:
    """Hides a word and asks the model for others, given as much of the text around it as the model can read.

    All pieces of the word are masked at once; its punctuation stays. A mask takes pieces of the kind that it hides,
    those that begin a word or those that continue one. The substitutes are the likeliest combinations, as if the masks
    did not know of each other, and spelled as the model spells them.
    """

    def __init__(self, name: str, device: torch.device = CPU) -> None:
        """Load the model `name`, a folder or a name of `transformers`, to `device`.

        Raises `UserError` where it predicts no words.
        """
        tokenizer, self._model = load_masked_lm(name, "words.masked_lm", device)
        config = self._model.config
        self._tokenizer = tokenizer.backend_tokenizer
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True  # where a text spells one, it is text
        self._mask = tokenizer.mask_token_id
        self._start, self._end = (
            [each] if each is not None else [] for each in (tokenizer.cls_token_id, tokenizer.sep_token_id)
        )
        self._positions = min(getattr(config, "max_position_embeddings", np.inf), tokenizer.model_max_length)
        self._cut = lru_cache(maxsize=100_000)(self._cut_word)
        self._spellings, self._begins = _spelled(tokenizer, config.vocab_size)
        usable = [bool(_SPELLING.fullmatch(spelling)) for spelling in self._spellings]
        self._allowed = {kind: torch.tensor(usable) & torch.from_numpy(self._begins == kind) for kind in (True, False)}
        self._batch = BATCH if hasattr(self._model, "cls") else 1  # other models give logits of all places

    @torch.inference_mode()
    def propose(self, requests: Sequence[Request], count: int) -> list[list[str]]:
        """Return words that fit; none for a word without letter or digit, or of more pieces than the model can read."""
        found: list[list[str]] = [[] for _ in requests]
        contexts = {i: context for i, request in enumerate(requests) if (context := self._context(request))}
        numbers = list(contexts)
        for chosen in batches(np.array([len(each.tokens) for each in contexts.values()]), self._batch):
            batch = [numbers[i] for i in chosen]
            for i, logs in zip(batch, self._read([contexts[i] for i in batch]), strict=True):
                word = fold(requests[i].words[requests[i].position])
                others = (each for each in self._words(contexts[i], logs, BREADTH * count) if fold(each) != word)
                found[i] = list(islice(_distinct(others), count))
        return found

    def _context(self, request: Request) -> _Context | None:
        """Return the word of `request` with as many words around it as the model can read; None where it cannot be."""
        words, cut = request.words, self._cut(request.words[request.position])
        before: list[int] = []
        after: list[int] = []
        first, last = request.position - 1, request.position + 1
        room = self._positions - len(self._start) - len(self._end) - len(cut.ids)
        if room < 0 or not cut.hidden:
            return None
        while True:
            left = self._cut(words[first]).ids if first >= 0 else []
            right = self._cut(words[last]).ids if last < len(words) else []
            fits_left = first >= 0 and len(left) <= room
            fits_right = last < len(words) and len(right) <= room
            if fits_left and (not fits_right or request.position - first <= last - request.position):
                before[:0] = left
                room -= len(left)
                first -= 1
            elif fits_right:
                after += right
                room -= len(right)
                last += 1
            else:
                break
        tokens = torch.tensor([*self._start, *before, *cut.ids, *after, *self._end])
        places = [len(self._start) + len(before) + i for i in cut.hidden]
        tokens[places] = self._mask
        return _Context(tokens, places, [bool(self._begins[cut.ids[i]]) for i in cut.hidden], cut.frame)

    def _cut_word(self, word: str) -> _Cut:
        pieces = self._tokenizer.encode(f" {word}", add_special_tokens=False)
        spans = [(max(first - 1, 0), last - 1) for first, last in pieces.offsets]
        hidden = [i for i, (first, last) in enumerate(spans) if any(map(str.isalnum, word[first:last]))]
        ends = [0, *(spans[i][1] for i in hidden)]
        starts = [*(spans[i][0] for i in hidden), len(word)]
        return _Cut(pieces.ids, hidden, [word[end:start] for end, start in zip(ends, starts, strict=True)])

    def _read(self, contexts: Sequence[_Context]) -> Sequence[Tensor]:
        """Return log probabilities (M, V) of the pieces at the masks of each of `contexts`."""
        tokens = pad_sequence([each.tokens for each in contexts], True, self._model.config.pad_token_id)
        places = torch.zeros_like(tokens, dtype=torch.bool)
        for row, context in zip(places, contexts, strict=True):
            row[context.places] = True
        device = self._model.device
        logits = masked_logits(self._model, to_device(tokens, device), to_device(places, device))
        return logits.log_softmax(1).cpu().split([len(context.places) for context in contexts])

    def _words(self, context: _Context, logs: Tensor, count: int) -> Iterator[str]:
        """Yield the words of the `count` likeliest combinations of pieces with log probabilities `logs` (M, V)."""
        totals, combinations = np.zeros(1, np.float32), np.empty((1, 0), np.int64)
        for begins, row in zip(context.begins, logs, strict=True):
            allowed = self._allowed[begins]
            best = row.masked_fill(~allowed, -torch.inf).topk(min(count, int(allowed.sum())))
            every = (totals[:, None] + best.values.numpy()).ravel()
            kept = np.argsort(-every, kind="stable")[:count]
            former, piece = np.unravel_index(kept, (len(totals), len(best.values)))
            totals = every[kept]
            combinations = np.column_stack([combinations[former], best.indices.numpy()[piece]])
        start, *gaps, end = context.frame
        words = (
            "".join(self._spellings[piece] + gap for piece, gap in zip(row, [*gaps, ""], strict=True))
            for row in combinations
        )
        return (f"{start}{word}{end}" for word in words if is_substitutable(word))


def _distinct(words: Iterable[str]) -> Iterator[str]:
    """Yield each of `words` the first time that it comes."""
    seen: set[str] = set()
    for word in words:
        if word not in seen:
            seen.add(word)
            yield word


def _spelled(tokenizer: "PreTrainedTokenizerBase", size: int) -> tuple[list[str], np.ndarray]:
    """Return what each piece adds to a text, "" for special ones, and (`size`,) whether it begins a word there."""
    spellings, begins = [""] * size, np.zeros(size, bool)
    special = set(tokenizer.all_special_ids)
    for piece, i in tokenizer.get_vocab().items():
        text = tokenizer.convert_tokens_to_string(["a", piece])[1:]  # whatever marks a beginning, it is a space
        begins[i] = text[:1].isspace()
        spellings[i] = "" if i in special else text.strip()
    return spellings, begins
