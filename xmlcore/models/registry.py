"""Models built and stored: weights as safetensors beside a readable config.json; no pickle."""

import json
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from xmlcore.common.artifacts import written_by
from xmlcore.common.device import CPU
from xmlcore.config.architectures import ARCHITECTURES, BASELINES
from xmlcore.config.schema import PositiveInt, Section
from xmlcore.models.base import Classifier, TokenClassifier, with_embeddings


class _Config(Section):
    architecture: str
    vocabulary: PositiveInt
    dimension: PositiveInt
    labels: PositiveInt
    network: dict[str, Any]


def build_model(architecture: str, vectors: np.ndarray, labels: int, network: Section) -> Classifier:
    """Return a fresh classifier of `labels` outputs that begins from `vectors` (V, D) and has the shape `network`."""
    return resolve_name(ARCHITECTURES[architecture].place)(torch.from_numpy(np.array(vectors)), labels, network)


def save_model(folder: Path, model: Classifier, architecture: str, network: Section) -> None:
    """Write `weights.safetensors` and `config.json` into `folder`, which exists."""
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    (folder / "weights.safetensors").write_bytes(save(tensors))
    config = {
        "architecture": architecture,
        "vocabulary": len(model.embedding_table),
        "dimension": model.embedding_table.shape[1],
        "labels": model.labels,
        "network": network.model_copy(update=model.network_found()).model_dump(),
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def load_model(folder: Path, device: torch.device = CPU) -> Classifier:
    """Return the network stored in `folder`, on `device` and in evaluation mode.

    Raises `UserError` if its files are damaged, or of a classifier without embeddings.
    """
    return with_embeddings(load_token_classifier(folder, device), str(folder))


def load_token_classifier(folder: Path, device: torch.device = CPU) -> TokenClassifier:
    """Return what is stored in `folder`, a network or a classifier without embeddings, in evaluation mode.

    A network is on `device`. Raises `UserError` if the files are damaged.
    """
    with written_by("train", folder):
        architecture = json.loads((folder / "config.json").read_bytes())["architecture"]
        baseline = BASELINES.get(architecture)
    return resolve_name(baseline).load(folder) if baseline else _load_network(folder, device)


def _load_network(folder: Path, device: torch.device) -> Classifier:
    with written_by("train", folder):
        config = _Config.model_validate_json((folder / "config.json").read_bytes())
        weights = folder / "weights.safetensors"
        size = weights.stat().st_size
        if max(_integers(config.model_dump())) > size or 4 * config.vocabulary * config.dimension > size:
            raise ValueError("config.json names sizes that weights.safetensors cannot have")
        vectors = np.zeros((config.vocabulary, config.dimension), np.float32)
        network = ARCHITECTURES[config.architecture].network.model_validate(config.network)
        model = build_model(config.architecture, vectors, config.labels, network)
        model.load_state_dict(load_file(weights))
        for name, tensor in model.state_dict().items():
            if not tensor.isfinite().all():
                raise ValueError(f"{name} holds NaN or infinity")
            if not tensor.is_floating_point() and tensor.ndim == 1 and not _is_order(tensor):
                raise ValueError(f"{name} is not an order of the labels")
        return model.eval().to(device)


def _is_order(places: Tensor) -> bool:
    return places.sort().values.equal(torch.arange(len(places)))


def _integers(value: Any) -> Iterator[int]:
    """Yield the integers anywhere in the JSON `value`."""
    if isinstance(value, int):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _integers(each)
