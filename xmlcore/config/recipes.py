"""The recipe of a model on a corpus, with every override applied: what `configure` writes and later stages read.

It lies in a file for each stage that reads a part of it, so that a stage runs again where its part changes and nowhere
else. `architecture.json` also holds a digest of the code that the architecture is made of: editing one architecture
trains no other.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from xmlcore.common.artifacts import written_by
from xmlcore.common.files import write_json
from xmlcore.config.architectures import ARCHITECTURES, Encoder
from xmlcore.config.params import Embedding, Encode, Params, Training
from xmlcore.config.schema import Section

Part = TypeVar("Part", bound=Section)


class Architecture(Section):
    """A network: which one, its shape, and the digest of its code."""

    architecture: str
    network: Section
    code: str = Field(pattern=r"^[0-9a-f]{64}$")


def write_recipe(folder: Path, params: Params, corpus: str, model: str, code: str) -> None:
    """Write the recipe of `model` on `corpus` into `folder`, which exists; `code` is the digest of its architecture."""
    recipe = params.model_of(corpus, model)
    parts = {
        "encode": params.encode_of(corpus, model),
        "embedding": recipe.embedding,
        "training": recipe.training,
        "architecture": Architecture(architecture=recipe.architecture, network=recipe.network, code=code),
    }
    for name, part in parts.items():
        write_json(folder / f"{name}.json", part.model_dump(serialize_as_any=True))


def read_encode(folder: Path) -> Encode:
    """Return how the model reads texts. Raises `UserError` where the file is damaged, as do the readers below."""
    return _read(folder / "encode.json", Encode)


def read_embedding(folder: Path) -> Embedding:
    """Return the kind of the model's initial word vectors."""
    return _read(folder / "embedding.json", Embedding)


def read_training(folder: Path) -> Training:
    """Return how the model is trained."""
    return _read(folder / "training.json", Training)


def read_architecture(folder: Path) -> tuple[str, Section]:
    """Return the model's architecture and its shape."""
    path = folder / "architecture.json"
    with written_by("configure", path):
        content = _Stored.model_validate_json(path.read_bytes())
        return content.architecture, ARCHITECTURES[content.architecture].network.model_validate(content.network)


def architectures_in(architecture: str, network: Section) -> set[str]:
    """Return `architecture` and the architectures of the encoders that `network` contains."""
    return {architecture} | {encoder.architecture for encoder in _encoders(network)}


def _encoders(value: Any) -> Iterator[Encoder]:
    if isinstance(value, Encoder):
        yield value
    for _, each in value if isinstance(value, Section) else enumerate(value) if isinstance(value, list) else ():
        yield from _encoders(each)


class _Stored(Section):
    architecture: str
    network: dict[str, Any]
    code: str


def _read(path: Path, kind: type[Part]) -> Part:
    with written_by("configure", path):
        return kind.model_validate_json(path.read_bytes())
