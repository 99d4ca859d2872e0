import json

import numpy as np
import pytest
import torch

from xmlcore.common.errors import UserError
from xmlcore.config.architectures import XMLCNNNetwork
from xmlcore.models.registry import build_model, load_model, save_model

NETWORK = XMLCNNNetwork(windows=[2, 3], filters=3, chunks=2, hidden=6)
TOKENS = torch.tensor([[2, 3, 4], [5, 1, 0]])


@pytest.fixture
def stored(tmp_path):
    """A folder with a model, and the model."""
    torch.manual_seed(0)
    vectors = np.random.default_rng(0).standard_normal((6, 4), np.float32)
    model = build_model("xml_cnn", vectors, 5, NETWORK)
    save_model(tmp_path, model, "xml_cnn", NETWORK)
    return tmp_path, model.eval()


def test_a_model_comes_back_as_it_was(stored):
    folder, model = stored
    loaded = load_model(folder)
    assert not loaded.training
    assert torch.equal(loaded(TOKENS), model(TOKENS))
    assert loaded.state_dict().keys() == model.state_dict().keys()


def test_the_config_is_readable(stored):
    folder, _ = stored
    config = json.loads((folder / "config.json").read_text())
    network = config.pop("network")
    assert config == {"architecture": "xml_cnn", "vocabulary": 6, "dimension": 4, "labels": 5}
    assert XMLCNNNetwork.model_validate(network) == NETWORK


def test_two_saves_write_the_same_bytes(stored, tmp_path_factory):
    folder, model = stored
    again = tmp_path_factory.mktemp("again")
    save_model(again, model, "xml_cnn", NETWORK)
    for name in ("weights.safetensors", "config.json"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_building_copies_the_vectors():
    vectors = np.ones((6, 4), np.float32)
    build_model("xml_cnn", vectors, 5, NETWORK).embedding_table.data.zero_()
    assert vectors.all()


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "config.json").write_text("{"),
        lambda folder: (folder / "config.json").write_text("{}"),
        lambda folder: (folder / "weights.safetensors").write_bytes(b""),
        lambda folder: (folder / "weights.safetensors").write_bytes(
            (folder / "weights.safetensors").read_bytes()[:-10]
        ),
        lambda folder: change_config(folder, architecture="unheard_of"),
        lambda folder: change_config(folder, labels=4),
        lambda folder: change_config(folder, vocabulary=10**12),
        lambda folder: change_config(folder, dimension="4"),
        lambda folder: change_config(folder, network={"windows": []}),
    ],
    ids=[
        *("broken config", "empty config", "no weights", "truncated weights"),
        *("architecture", "shape", "size", "type", "network"),
    ],
)
def test_a_spoiled_model_is_refused_with_its_folder_and_the_mend(stored, spoil):
    folder, _ = stored
    spoil(folder)
    with pytest.raises(UserError, match=f"(?s){folder}: damaged, or not what train writes .*; run train again"):
        load_model(folder)
