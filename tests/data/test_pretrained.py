import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertModel, XLNetLMHeadModel, XLNetModel

from xmlcore.common import paths
from xmlcore.common.errors import UserError
from xmlcore.config.architectures import XLNetShape
from xmlcore.config.params import Embedding, Encode, TinyCheckpoint
from xmlcore.corpora.simulation.checkpoint import SPECIAL_PIECES, write_tiny_checkpoint
from xmlcore.data.dataset import load_encoded
from xmlcore.data.encoding import encode_corpus
from xmlcore.data.pretrained import XLNET, load_body, load_tokenizer, locate, piece_vectors, save_checkpoint
from xmlcore.data.tokens import PAD, UNK, Pieces, Vocabulary
from xmlcore.data.word_vectors import build_vectors
from xmlcore.ranking.predictions import untracked

TINY = TinyCheckpoint(vocabulary=600, body=XLNetShape(width=8, layers=1, heads=2, inner=12))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    write_tiny_checkpoint(TINY, 7, folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def encode(checkpoint: Path, folder: Path, **options: object):
    (folder / "encoded").mkdir()
    for name in ("train", "test"):
        (folder / f"{name}.tsv").write_text("a\tx\tThe wheat market\nb\tx y\tmarket ☃ wheat\n")
    options = {"tokenizer": str(checkpoint), "min_count": 1, "validation_fraction": 0.5, **options}
    encode_corpus(folder, folder / "encoded", Encode(**options), 0, untracked)
    return load_encoded(folder / "encoded")


def test_a_tiny_checkpoint_has_the_files_of_a_real_one(checkpoint):
    assert contents(checkpoint).keys() == {
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
    }
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    assert tokenizer.convert_tokens_to_ids([*SPECIAL_PIECES]) == [*range(len(SPECIAL_PIECES))]
    assert len(tokenizer) == XLNetModel.from_pretrained(checkpoint).config.vocab_size == 600
    ids = tokenizer("the wheat market").input_ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == "the wheat market"
    assert tokenizer.convert_ids_to_tokens(ids)[-2:] == ["<sep>", "<cls>"]


def test_the_same_seed_writes_the_same_bytes_in_another_process(checkpoint, tmp_path):
    code = (
        "import sys, pathlib; from xmlcore.config.params import TinyCheckpoint; "
        "from xmlcore.corpora.simulation.checkpoint import write_tiny_checkpoint; "
        "write_tiny_checkpoint(TinyCheckpoint.model_validate_json(sys.argv[1]), 7, pathlib.Path(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", code, TINY.model_dump_json(), str(tmp_path)], check=True)
    assert contents(tmp_path) == contents(checkpoint)


def test_the_pieces_of_the_default_are_the_same_in_every_process():
    code = "from xmlcore.corpora.simulation.checkpoint import unigram_pieces; print(unigram_pieces(4000))"
    found = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(3)}
    assert len(found) == 1


def test_another_seed_has_other_weights_and_the_same_pieces(checkpoint, tmp_path):
    write_tiny_checkpoint(TINY, 8, tmp_path)
    changed = {name for name, content in contents(tmp_path).items() if content != contents(checkpoint)[name]}
    assert changed == {"model.safetensors"}


def test_a_name_is_first_looked_for_in_data(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "CHECKPOINTS", tmp_path)
    assert locate("mine") == "mine"
    (tmp_path / "mine").symlink_to(checkpoint)
    assert locate("mine") == str(tmp_path / "mine")
    assert load_body("mine", XLNET).shape == TINY.body


def test_a_saved_checkpoint_is_loaded_as_the_first(checkpoint, tmp_path):
    save_checkpoint(str(checkpoint), tmp_path)
    first, second = load_body(str(checkpoint), XLNET), load_body(str(tmp_path), XLNET)
    assert all(first.state[name].equal(second.state[name]) for name in first.state)
    vocabulary = Vocabulary(["▁the"])
    assert np.array_equal(piece_vectors(str(tmp_path), vocabulary)[0], piece_vectors(str(checkpoint), vocabulary)[0])


@pytest.fixture
def published(checkpoint, tmp_path) -> Path:
    """The checkpoint as the hub has XLNet's: with the head it was trained with, weights in `pytorch_model.bin`."""
    folder = tmp_path / "published"
    shutil.copytree(checkpoint, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    whole = XLNetLMHeadModel.from_pretrained(checkpoint)
    torch.save(whole.state_dict(), folder / "pytorch_model.bin")
    return folder


def test_a_published_checkpoint_is_saved_without_its_head_as_safetensors(checkpoint, published, tmp_path):
    saved = tmp_path / "saved"
    saved.mkdir()
    save_checkpoint(str(published), saved)
    assert contents(saved).keys() == contents(checkpoint).keys()
    first, second = load_body(str(checkpoint), XLNET), load_body(str(saved), XLNET)
    assert all(first.state[name].equal(second.state[name]) for name in first.state)


class Exploit:
    def __reduce__(self):
        return open, ("exploited", "w")


def test_weights_that_are_a_program_are_refused_and_not_run(published, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (published / "pytorch_model.bin").write_bytes(pickle.dumps({"transformer.mask_emb": Exploit()}, protocol=2))
    with pytest.raises(UserError, match="no model can be loaded"):
        load_body(str(published), XLNET)
    assert not (tmp_path / "exploited").exists()


def test_the_vectors_of_pieces_are_the_checkpoints(checkpoint):
    table = XLNetModel.from_pretrained(checkpoint).get_input_embeddings().weight.detach().numpy()
    ids = AutoTokenizer.from_pretrained(checkpoint).get_vocab()
    vectors, coverage = piece_vectors(str(checkpoint), Vocabulary(["▁the", "☃"]))
    assert not vectors[PAD].any()
    assert np.array_equal(vectors[1:], table[[ids["<unk>"], ids["▁the"], ids["<unk>"]]])
    assert coverage == 0.5


def test_a_corpus_is_encoded_in_pieces_and_cuts_more_texts_alike(checkpoint, tmp_path):
    corpus = encode(checkpoint, tmp_path)
    expected = AutoTokenizer.from_pretrained(checkpoint).tokenize("The wheat market")
    assert corpus.tokenize("The wheat market") == expected
    assert expected[0].startswith("▁")
    train = corpus.splits["train"]
    pieces = [corpus.vocabulary.tokens[i] for i in train.document(0)]
    assert pieces in (corpus.tokenize("The wheat market"), corpus.tokenize("market ☃ wheat"))
    assert UNK not in train.tokens
    vectors, coverage, _ = build_vectors(corpus, Embedding(kind="checkpoint", checkpoint=str(checkpoint)), tmp_path, 0)
    assert vectors.refit.shape == (len(corpus.vocabulary), 8)
    assert 0 < coverage < 1


def test_pieces_ignore_a_tokenizers_truncation_and_padding(checkpoint, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(checkpoint).backend_tokenizer
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=50)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    text = "the wheat market rose"
    assert Pieces(tmp_path / "tokenizer.json")(text) == AutoTokenizer.from_pretrained(checkpoint).tokenize(text)


def test_reading_pieces_does_not_import_transformers(checkpoint, tmp_path):
    encode(checkpoint, tmp_path)
    code = (
        "import sys, pathlib; import xmlcore.models.predictor, xmlcore.models.aplc.xlnet; "
        "from xmlcore.data.dataset import load_encoded; "
        "load_encoded(pathlib.Path(sys.argv[1])).tokenize('wheat'); assert 'transformers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "encoded")], check=True)


@pytest.fixture
def endless(checkpoint, tmp_path) -> Path:
    """A checkpoint with a piece so long that `tokenizers` would overflow the stack as it frees it."""
    for name, content in contents(checkpoint).items():
        (tmp_path / name).write_bytes(content)
    content = json.loads((checkpoint / "tokenizer.json").read_bytes())
    content["model"]["vocab"][-1][0] = "x" * 10**6
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    return tmp_path


def test_a_piece_too_long_to_be_freed_is_refused(endless):
    with pytest.raises(UserError, match=r"tokenizer\.json: damaged.*a piece of 1000000 characters.*run encode again"):
        Pieces(endless / "tokenizer.json")
    with pytest.raises(UserError, match="network.checkpoint: no tokenizer .*a piece of 1000000 characters"):
        load_body(str(endless), XLNET)


@pytest.mark.parametrize("name", ["nowhere", "no/where", "no where at all"])
def test_an_unknown_tokenizer_is_one_line_with_the_parameter_and_the_mend(tmp_path, name):
    with pytest.raises(UserError, match="encode.tokenizer: no tokenizer can be loaded from .*`words`.*`checkpoints`"):
        encode(Path(name), tmp_path)


def test_a_broken_model_is_one_line(checkpoint, tmp_path):
    for name, content in contents(checkpoint).items():
        (tmp_path / name).write_bytes(content[:-10] if name == "model.safetensors" else content)
    with pytest.raises(UserError, match="network.checkpoint: no model can be loaded"):
        load_body(str(tmp_path), XLNET)


@pytest.mark.parametrize(
    ("layers", "message"),
    [(2, "lacks weights that its config.json promises"), (10**6, "config.json names 1000000 layers")],
)
def test_layers_that_are_not_there_are_neither_made_up_nor_made_at_length(checkpoint, tmp_path, layers, message):
    for name, content in contents(checkpoint).items():
        (tmp_path / name).write_bytes(content.replace(b'"n_layer": 1,', f'"n_layer": {layers},'.encode()))
    with pytest.raises(UserError, match=message):
        load_body(str(tmp_path), XLNET)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("content", [b"", b"null", b"[" * 10**5, b'{"model": 1}', b"\xff"])
def test_a_damaged_file_is_one_line(checkpoint, tmp_path, name, content):
    for each, whole in contents(checkpoint).items():
        (tmp_path / each).write_bytes(content if each == name else whole)
    with pytest.raises(UserError, match="network.checkpoint: no (model|tokenizer) can be loaded"):
        load_body(str(tmp_path), XLNET)


def test_another_architecture_is_refused(checkpoint, tmp_path):
    sizes = {"vocab_size": 600, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertModel(BertConfig(**sizes, intermediate_size=8)).save_pretrained(tmp_path)
    load_tokenizer(str(checkpoint), "key", "other").save_pretrained(tmp_path)
    with pytest.raises(UserError, match="not a bidirectional XLNet"):
        load_body(str(tmp_path), XLNET)
