"""Words that may stand for each other, chosen once, so that every defender and every attack has the same.

They come from the corpus's own vectors, or from lists of synonyms (as Jia et al. 2019 and TextDefender fix theirs). A
word that stands for another is a word of the training documents.
"""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch.nn import functional

from xmlcore.attacks.words.generators.synonyms import Synonyms
from xmlcore.attacks.words.language import Language
from xmlcore.config.params import Substitutes as Options
from xmlcore.data.substitutes import Substitutes
from xmlcore.data.tokens import UNK

SLICE = 1024  # words that are compared with all others at once: what bounds the memory


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


def mean_count(substitutes: Substitutes, words: Iterable[str]) -> float:
    """Return how many substitutes `words` have in the mean."""
    counts = [len(substitutes.get(word, ())) for word in words]
    return sum(counts) / max(len(counts), 1)
