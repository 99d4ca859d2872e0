"""Weights as safetensors beside a readable config.json; no pickle."""

import json
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from xmlcore.errors import UserError
from xmlcore.models import Classifier
from xmlcore.networks import NETWORKS
from xmlcore.sections import Section

ARCHITECTURES = {
    "xml_cnn": "xmlcore.models.xml_cnn:XMLCNN",
    "attention_xml": "xmlcore.models.attention_xml:AttentionXML",
    "bag_of_words": "xmlcore.models.bag_of_words:BagOfWords",
    "mach": "xmlcore.models.mach:MACH",
    "aplc_xlnet": "xmlcore.models.aplc_xlnet:APLCXLNet",
}  # imported when first used: not every one needs what the others need


def build_model(architecture: str, vectors: np.ndarray, labels: int, network: Section) -> Classifier:
    """A fresh classifier of `labels` outputs that begins from `vectors` (V, D); `network` is of its `NETWORKS`."""
    return resolve_name(ARCHITECTURES[architecture])(torch.from_numpy(np.array(vectors)), labels, network)


def save_model(folder: Path, model: Classifier, architecture: str, network: Section) -> None:
    """Write `weights.safetensors` and `config.json` into `folder`, which exists."""
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    (folder / "weights.safetensors").write_bytes(save(tensors))
    config = {
        "architecture": architecture,
        "vocabulary": len(model.embedding_table),
        "dimension": model.embedding_table.shape[1],
        "labels": model.labels,
        "network": model.described(network).model_dump(),
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def load_model(folder: Path) -> Classifier:
    """The classifier stored in `folder`, in evaluation mode. Raises `UserError` if its files are not whole."""
    try:
        config = json.loads((folder / "config.json").read_text())
        vectors = np.zeros((config["vocabulary"], config["dimension"]), np.float32)
        network = NETWORKS[config["architecture"]].model_validate(config["network"])
        model = build_model(config["architecture"], vectors, config["labels"], network)
        model.load_state_dict(load_file(folder / "weights.safetensors"))
    except (ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise UserError(f"{folder}: not a stored model ({error}); run its train stage again") from None
    return model.eval()
