"""Words that may stand for each other, chosen once and stored, so that every defender and every attack has the same.

They come from the corpus's own vectors, or from lists of synonyms (as Jia et al. 2019 and TextDefender fix theirs). A
word that stands for another is a word of the training documents.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from pydantic import TypeAdapter
from torch import Tensor
from torch.nn import functional

from xmlcore.attacks.words.generators.synonyms import Synonyms
from xmlcore.attacks.words.language import Language
from xmlcore.common.artifacts import written_by
from xmlcore.common.errors import UserError
from xmlcore.common.files import write_json
from xmlcore.config.params import Substitutes as Options
from xmlcore.data.tokens import UNK, Vocabulary

FILE = "substitutes.json"
SLICE = 1024  # words that are compared with all others at once: what bounds the memory

Substitutes = Mapping[str, Sequence[str]]  # of each word that has any, the nearest first, without the word itself


def choose_substitutes(language: Language, lexicons: Path, options: Options) -> Substitutes:
    """Return the substitutes of the words of `language`, at most `options.count` of each.

    Raises `UserError` where synonyms are wanted and `lexicons` has no list of them.
    """
    if options.kind == "neighbours":
        return _neighbours(language, options.count, options.cosine)
    synonyms, words = Synonyms(lexicons), language.vocabulary.tokens[UNK + 1 :]
    known = set(words)
    return _some({word: [each for each in synonyms.of(word) if each in known][: options.count] for word in words})


def _neighbours(language: Language, count: int, cosine: float) -> Substitutes:
    """Return of each word those whose vectors point most nearly its way, if their cosine is at least `cosine`."""
    words = language.vocabulary.tokens[UNK + 1 :]
    directions = functional.normalize(torch.from_numpy(language.vectors[UNK + 1 :].copy()), dim=1)
    found: dict[str, list[str]] = {}
    for first in range(0, len(words), SLICE):
        alike = directions[first : first + SLICE] @ directions.t()
        own = torch.arange(len(alike))
        alike[own, first + own] = -torch.inf
        nearest = alike.topk(min(count, len(words)))
        for number, (values, places) in enumerate(zip(nearest.values.tolist(), nearest.indices.tolist(), strict=True)):
            near = [words[place] for value, place in zip(values, places, strict=True) if value >= cosine]
            found[words[first + number]] = near
    return _some(found)


def _some(found: Substitutes) -> Substitutes:
    return {word: substitutes for word, substitutes in found.items() if substitutes}


def write_substitutes(folder: Path, substitutes: Substitutes) -> None:
    """Write substitutes.json into `folder`, which exists."""
    write_json(folder / FILE, substitutes)


def read_substitutes(folder: Path) -> Substitutes:
    """Return what `write_substitutes` wrote into `folder`.

    Raises `UserError` where the file is missing, or is not whole.
    """
    path = folder / FILE
    if not path.exists():
        raise UserError(f"{path}: no such file; list the corpus in substitutes.corpora, and run choose_substitutes")
    with written_by("choose_substitutes", path):
        found = TypeAdapter(dict[str, list[str]]).validate_json(path.read_bytes())
        for word, substitutes in found.items():
            if not substitutes or len({word, *substitutes}) <= len(substitutes):
                raise ValueError(f"the substitutes of {word!r} are none, or not distinct")
        return found


def table_of_substitutes(substitutes: Substitutes, vocabulary: Vocabulary) -> Tensor:
    """Return the ids (V, K) of the substitutes of every token, itself first and in place of those that it lacks.

    Raises `UserError` where a word that has substitutes is not in `vocabulary`: a model cannot tell what may become of
    words that it does not know.
    """
    table = torch.arange(len(vocabulary)).unsqueeze(1).repeat(1, 1 + max(map(len, substitutes.values()), default=0))
    for word, others in substitutes.items():
        own, *ids = vocabulary.encode([word, *others])
        if UNK in (own, *ids):
            raise UserError(
                f"{FILE}: {word!r} or one of its substitutes is not in the vocabulary of the model; "
                "give its `encode` the tokenizer and the min_count of the corpus"
            )
        table[own, 1 : 1 + len(ids)] = torch.tensor(ids)
    return table


def load_table(folder: Path, vocabulary: Vocabulary) -> Tensor:
    """Return the table (V, K) of the substitutes that are stored in `folder`."""
    return table_of_substitutes(read_substitutes(folder), vocabulary)


def mean_count(substitutes: Substitutes, words: Iterable[str]) -> float:
    """Return how many substitutes `words` have in the mean."""
    counts = [len(substitutes.get(word, ())) for word in words]
    return sum(counts) / max(len(counts), 1)
