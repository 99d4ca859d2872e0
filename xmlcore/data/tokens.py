"""Text to tokens to ids: two tokenizers for words, one for the pieces of a checkpoint, and the vocabulary."""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import regex

from xmlcore.common.artifacts import written_by

PAD, UNK = 0, 1
SPECIAL_TOKENS = ("<pad>", "<unk>")
WORD_TOKENIZERS = ("words", "whitespace")
PIECES = "tokenizer.json"  # of the library `tokenizers`
LONGEST_PIECE = 1000  # characters

_LETTER = r"\p{L}\p{Nl}\p{No}"
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"  # within words of Indic scripts and of Persian
WORD = rf"[{_LETTER}][{_LETTER}\p{{M}}{_JOINERS}]*|\p{{Nd}}+"
LONE_DOT = "i\N{COMBINING DOT ABOVE}"  # what lower case makes of "İ"
_WORD = regex.compile(WORD)


def tokenize(text: str, tokenizer: str) -> list[str]:
    """Return tokens of `text`, in Unicode's form NFC.

    `words` are folded runs of letters with their marks, or of digits; `whitespace` keeps given tokens.
    """
    if tokenizer == "whitespace":
        return unicodedata.normalize("NFC", text).split()
    return _WORD.findall(fold(text))


def is_word(text: str) -> bool:
    """Return whether `text` is one word, or one number, and nothing else."""
    return _WORD.fullmatch(text) is not None


def fold(text: str) -> str:
    """Return `text` as words are compared: lower case, in Unicode's form NFC.

    The dot that is left above the i of "İ" is dropped. Not `str.casefold`, which spells "ß" as no vectors do.
    """
    return unicodedata.normalize("NFC", text.lower().replace(LONE_DOT, "i"))


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
        return [self._ids.get(token, UNK) for token in islice(tokens, max_tokens)] or [UNK]

    @classmethod
    def from_counts(cls, counts: Counter[str], min_count: int, most: int | None = None) -> "Vocabulary":
        """Return the tokens of at least `min_count` occurrences, and of these the `most` frequent alone."""
        kept = [token for token, count in counts.items() if count >= min_count and token not in SPECIAL_TOKENS]
        return cls(sorted(kept, key=lambda token: (-counts[token], token))[:most])
