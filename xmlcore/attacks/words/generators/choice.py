"""The generators that words.generators names, each made of what it needs."""

from pathlib import Path

from xmlcore.attacks.words.generators.base import Generator
from xmlcore.attacks.words.language import Language
from xmlcore.attacks.words.victim import Victim
from xmlcore.config.params import Generator as Name
from xmlcore.config.params import Words


def load_generators(
    options: Words, victim: Victim, language: Language, masked_lm: Path, lexicons: Path, substitutes: Path
) -> dict[Name, Generator]:
    """Return the generators by name, in the order of `options.generators`.

    `masked_lm` is the corpus's own model, `substitutes` the folder of the words chosen for it.

    Raises `UserError` where a generator lacks what it needs.
    """
    return {
        name: _load(name, options, victim, language, masked_lm, lexicons, substitutes) for name in options.generators
    }


def _load(
    name: Name,
    options: Words,
    victim: Victim,
    language: Language,
    masked_lm: Path,
    lexicons: Path,
    substitutes: Path,
) -> Generator:
    match name:
        case "masked_lm":
            from xmlcore.attacks.words.generators.masked_lm import MaskedLMGenerator

            source = str(masked_lm) if options.masked_lm == "corpus" else options.masked_lm
            return MaskedLMGenerator(source, device=victim.model.device)
        case "neighbours":
            from xmlcore.attacks.words.generators.neighbours import Neighbours

            return Neighbours(language)
        case "synonyms":
            from xmlcore.attacks.words.generators.synonyms import Synonyms

            return Synonyms(lexicons)
        case "substitutes":
            from xmlcore.attacks.words.generators.substitutes import StoredSubstitutes

            return StoredSubstitutes(substitutes)
        case "gradient":
            from xmlcore.attacks.words.generators.gradient import Gradient

            return Gradient(victim)
        case "deletion":
            from xmlcore.attacks.words.generators.deletion import Deletion

            return Deletion()
