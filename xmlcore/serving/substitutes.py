"""Where an attack on a user's text has its words from."""

from functools import lru_cache
from pathlib import Path
from typing import get_args

import numpy as np
import torch

from xmlcore.attacks.words.generators.base import Generator
from xmlcore.attacks.words.victim import Victim
from xmlcore.common.errors import UserError
from xmlcore.data.text_reader import TextReader
from xmlcore.models.base import with_embeddings
from xmlcore.serving.choices import OwnSubstitutes, Substitutes


def load_generator(name: Substitutes, victim: Victim, reader: TextReader, source: str | Path | None) -> Generator:
    """Return the generator `name` against `victim`, whose texts `reader` reads.

    `masked_lm` and `synonyms` need a `source`: a masked language model, a folder or a name of `transformers`; a list of
    synonyms or a folder of lists. Raises `UserError` where a generator lacks what it needs, or is given what it does
    not read.
    """
    if name in get_args(OwnSubstitutes) and source is not None:
        raise UserError(
            f"source: {name} has its words from the model itself; leave it out, or give masked_lm or synonyms"
        )
    if name == "gradient":
        from xmlcore.attacks.words.generators.gradient import Gradient

        return Gradient(victim)
    if name == "deletion":
        from xmlcore.attacks.words.generators.deletion import Deletion

        return Deletion()
    if name == "neighbours":
        return _neighbours(victim, reader)
    if name not in get_args(Substitutes):
        raise UserError(f"substitutes: one of {', '.join(get_args(Substitutes))} (is {name!r})")
    if source is None:
        kind = "a masked language model" if name == "masked_lm" else "a list of synonyms, or a folder of lists"
        raise UserError(f"substitutes: {name} needs {kind}; give it as source (--source)")
    return _masked_lm(str(source), victim.model.device) if name == "masked_lm" else _synonyms(str(source))


def _neighbours(victim: Victim, reader: TextReader) -> Generator:
    from xmlcore.attacks.words.generators.neighbours import Neighbours
    from xmlcore.attacks.words.language import Language

    if reader.pieces:
        raise UserError("substitutes: neighbours are of words, and this model reads pieces of words; give gradient")
    vectors = with_embeddings(victim.model, "substitutes: neighbours").embedding_table.detach().cpu().numpy()
    return Neighbours(Language(reader.vocabulary, np.ones(len(vectors), np.float32), vectors))


@lru_cache(maxsize=1)
def _masked_lm(name: str, device: torch.device) -> Generator:
    from xmlcore.attacks.words.generators.masked_lm import MaskedLMGenerator

    try:
        return MaskedLMGenerator(name, device)
    except UserError as error:
        raise UserError(
            f"source: {name!r} is no masked language model with its tokenizer; give the folder of one, such as "
            "data/CORPUS/language/masked_lm, or a name that `transformers` has downloaded"
        ) from error


@lru_cache(maxsize=1)
def _synonyms(place: str) -> Generator:
    from xmlcore.attacks.words.generators.synonyms import Synonyms

    return Synonyms(Path(place))
