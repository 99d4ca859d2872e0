"""Words that may stand for each other, as they are stored, and as the tokens of a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from pydantic import TypeAdapter
from torch import Tensor

from xmlcore.common.artifacts import written_by
from xmlcore.common.errors import UserError
from xmlcore.common.files import write_json
from xmlcore.data.tokens import UNK, Vocabulary

FILE = "substitutes.json"

Substitutes = Mapping[str, Sequence[str]]  # of each word that has any, the nearest first, without the word itself


def write_substitutes(folder: Path, substitutes: Substitutes) -> None:
    """Write substitutes.json into `folder`, which exists."""
    write_json(folder / FILE, substitutes)


def read_substitutes(folder: Path, stage: str = "choose_substitutes") -> Substitutes:
    """Return what `write_substitutes` wrote into `folder` when `stage` ran.

    Raises `UserError` where the file is missing, or is not whole.
    """
    path = folder / FILE
    if not path.exists():
        raise UserError(f"{path}: no such file; list the corpus in substitutes.corpora, and run {stage}")
    with written_by(stage, path):
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


def load_table(folder: Path, vocabulary: Vocabulary, stage: str = "choose_substitutes") -> Tensor:
    """Return the table (V, K) of the substitutes that `stage` stored in `folder`."""
    return table_of_substitutes(read_substitutes(folder, stage), vocabulary)
