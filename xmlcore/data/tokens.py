"""Text to tokens to ids: two tokenizers for words, one for the pieces of a checkpoint, and the vocabulary."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from xmlcore.common.artifacts import written_by

PAD, UNK = 0, 1
SPECIAL_TOKENS = ("<pad>", "<unk>")
WORD_TOKENIZERS = ("words", "whitespace")
PIECES = "tokenizer.json"  # of the library `tokenizers`
LONGEST_PIECE = 1000  # characters

_WORD = re.compile(r"[^\W\d_]+|\d+")


def tokenize(text: str, tokenizer: str) -> list[str]:
    """Return tokens of `text`: `words` are lower-cased runs of letters or digits, `whitespace` keeps given tokens."""
    return text.split() if tokenizer == "whitespace" else _WORD.findall(text.lower())


def check_pieces(file: Path) -> None:
    """Raise `ValueError` where a piece in the `file` of `tokenizers` is longer than `LONGEST_PIECE`.

    The library takes any, and overflows the stack when it frees one of some hundred thousand characters.
    """
    vocabulary = json.loads(file.read_bytes())["model"]["vocab"]
    pieces = vocabulary if isinstance(vocabulary, dict) else (piece for piece, _ in vocabulary)
    longest = max(map(len, pieces), default=0)
    if longest > LONGEST_PIECE:
        raise ValueError(f"{PIECES} has a piece of {longest} characters, {LONGEST_PIECE} are allowed")


class Pieces:
    """Pieces of words, as the tokenizer of a checkpoint cuts them; it is read from the file of `tokenizers` once."""

    def __init__(self, file: Path) -> None:
        from tokenizers import Tokenizer

        self._file = file
        with written_by("encode", file):
            check_pieces(file)
            self._tokenizer = Tokenizer.from_file(str(file))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def __call__(self, text: str) -> list[str]:
        with written_by("encode", self._file):
            return self._tokenizer.encode(text, add_special_tokens=False).tokens


class Vocabulary:
    """Tokens and their ids; `PAD` is 0, `UNK` is 1, the rest follow by falling frequency, then by name."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = [*SPECIAL_TOKENS, *tokens]
        self._ids = {token: i for i, token in enumerate(self.tokens) if i > UNK}

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, tokens: Iterable[str], max_tokens: int | None = None) -> list[int]:
        """Return ids of the first `max_tokens` tokens; a document without a token is one `UNK`."""
        ids = [self._ids.get(token, UNK) for token in tokens]
        return ids[:max_tokens] or [UNK]

    @classmethod
    def from_counts(cls, counts: Counter[str], min_count: int) -> "Vocabulary":
        kept = [token for token, count in counts.items() if count >= min_count and token not in SPECIAL_TOKENS]
        return cls(sorted(kept, key=lambda token: (-counts[token], token)))
