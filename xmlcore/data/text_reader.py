"""How a model reads a text and what its labels are called: all that a trained model needs beside its weights.

It is stored as `text.json`, `vocabulary.txt` (one token a line, the line number is the id) and `labels.tsv`
(`name<TAB>title` a line, where a label without a title has none), and where the tokens are the pieces of a checkpoint
as `tokenizer.json`, which cuts texts without the checkpoint.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from xmlcore.common.artifacts import written_by
from xmlcore.config.schema import PositiveInt, Section
from xmlcore.data.tokens import PIECES, SPECIAL_TOKENS, WORD_TOKENIZERS, Pieces, Vocabulary, tokenize


@dataclass(frozen=True)
class TextReader:
    """A tokenizer with its vocabulary, and the names of the labels."""

    vocabulary: Vocabulary
    label_names: Sequence[str]
    tokenizer: str
    max_tokens: int
    pieces: Path | None = None  # the file of the tokenizer, where it is a checkpoint's
    titles: Mapping[str, str] = field(default_factory=dict)  # of labels that have one, by name

    @cached_property
    def shown_labels(self) -> list[str]:
        """What people are shown of each label: `title (name)`, or the name where there is no title of its own."""
        titles = ((name, self.titles.get(name, name)) for name in self.label_names)
        return [name if title == name else f"{title} ({name})" for name, title in titles]

    def tokenize(self, text: str) -> list[str]:
        """Return all tokens of `text`; a model reads the first `max_tokens`."""
        return self._tokenize(text)

    @cached_property
    def _tokenize(self) -> Callable[[str], list[str]]:
        return Pieces(self.pieces) if self.pieces else partial(tokenize, tokenizer=self.tokenizer)


class _Config(Section):
    tokenizer: str
    max_tokens: PositiveInt


def write_text_reader(folder: Path, reader: TextReader) -> None:
    """Write `reader` into `folder`, which exists."""
    if reader.pieces and reader.pieces != folder / PIECES:
        shutil.copyfile(reader.pieces, folder / PIECES)
    (folder / "vocabulary.txt").write_text("\n".join(reader.vocabulary.tokens) + "\n", encoding="utf-8")
    labels = (f"{name}\t{reader.titles.get(name, '')}\n" for name in reader.label_names)
    (folder / "labels.tsv").write_text("".join(labels), encoding="utf-8")
    config = _Config(tokenizer=reader.tokenizer, max_tokens=reader.max_tokens)
    (folder / "text.json").write_text(json.dumps(config.model_dump(), indent=2) + "\n")


def load_text_reader(folder: Path, stage: str = "encode") -> TextReader:
    """Return the reader in `folder`. Raises `UserError` where a file is not whole, with the `stage` that writes it."""
    with written_by(stage, folder):
        config = _Config.model_validate_json((folder / "text.json").read_bytes())
        pieces = folder / PIECES if (folder / PIECES).exists() else None
        if not pieces and config.tokenizer not in WORD_TOKENIZERS:
            raise ValueError(f"no {PIECES}, and tokenizer is {config.tokenizer!r}")
        tokens = _read_names(folder / "vocabulary.txt")
        labels = [line.partition("\t") for line in _read_lines(folder / "labels.tsv")]
        names = _distinct([name for name, _, _ in labels], "labels.tsv")
        titles = {name: title for name, _, title in labels if title}
        if tuple(tokens[: len(SPECIAL_TOKENS)]) != SPECIAL_TOKENS:
            raise ValueError(f"vocabulary.txt does not begin with {', '.join(SPECIAL_TOKENS)}")
        vocabulary = Vocabulary(tokens[len(SPECIAL_TOKENS) :])
        return TextReader(vocabulary, names, config.tokenizer, config.max_tokens, pieces, titles)


def _read_names(path: Path) -> list[str]:
    return _distinct(_read_lines(path), path.name)


def _read_lines(path: Path) -> list[str]:
    return path.read_bytes().decode().removesuffix("\n").split("\n")


def _distinct(names: list[str], file: str) -> list[str]:
    if "" in names or len(set(names)) < len(names):
        raise ValueError(f"{file} has an empty or a repeated line")
    return names
