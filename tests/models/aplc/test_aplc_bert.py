import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertForMaskedLM, BertModel, BertTokenizer

from toys import split_of
from xmlcore.common.errors import UserError
from xmlcore.config.architectures import APLCBERTNetwork, BERTShape
from xmlcore.data.batches import pad
from xmlcore.data.pretrained import BERT, load_body, load_tokenizer, piece_vectors
from xmlcore.data.tokens import PAD, Vocabulary
from xmlcore.models.aplc.bert import APLCBERT
from xmlcore.models.registry import build_model, load_model, save_model

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "wheat", "trade", "price", "##s", "rose", "fell"]
BODY = BERTShape(width=8, layers=2, heads=2, inner=12, positions=9)
CONFIG = BERT.config(BODY, vocab_size=len(PIECES))
TEXTS = ["wheat prices rose", "fell", "trade prices"]


def saved(folder: Path, model: BertModel | BertForMaskedLM) -> Path:
    model.save_pretrained(folder)
    BertTokenizer(vocab={piece: i for i, piece in enumerate(PIECES)}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    return saved(tmp_path_factory.mktemp("checkpoint"), BertModel(CONFIG))


def network(checkpoint: Path, **changes: object) -> APLCBERTNetwork:
    shape = {"checkpoint": str(checkpoint), "hidden": 6, "clusters": [0.5], "dropout": 0.0}
    return APLCBERTNetwork.model_validate(shape | changes)


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary(PIECES[5:])


@pytest.fixture
def model(checkpoint, vocabulary) -> APLCBERT:
    torch.manual_seed(0)
    vectors, _ = piece_vectors(str(checkpoint), vocabulary)
    return build_model("aplc_bert", vectors, 5, network(checkpoint)).eval()


def encoded(checkpoint: Path, vocabulary: Vocabulary) -> torch.Tensor:
    tokenizer = load_tokenizer(str(checkpoint), "key", "other")
    return pad([np.array(vocabulary.encode(tokenizer.tokenize(text))) for text in TEXTS])


def test_a_document_is_read_as_the_checkpoints_tokenizer_lays_it_out(checkpoint, model, vocabulary):
    batch = load_tokenizer(str(checkpoint), "key", "other")(TEXTS, padding=True, return_tensors="pt")
    states = BertModel.from_pretrained(checkpoint).eval()(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    tokens = encoded(checkpoint, vocabulary)
    features = model.features(model.embed(tokens), tokens != PAD)
    expected = model.summary((states * mask).sum(1) / mask.sum(1)).tanh()
    torch.testing.assert_close(features, expected)


def test_a_model_begins_as_its_checkpoint(checkpoint, model):
    weights = load_body(str(checkpoint), BERT)
    assert model.shape == weights.shape == BODY
    assert torch.equal(model.special, weights.special)
    state = model.body.state_dict()
    assert weights.state.keys() - state.keys() == {"embeddings.word_embeddings.weight"}
    assert all(torch.equal(state[name], weights.state[name]) for name in state)


def test_a_model_for_masks_has_no_pooler_and_needs_none(tmp_path):
    torch.manual_seed(0)
    whole = BertForMaskedLM(CONFIG)
    weights = load_body(str(saved(tmp_path, whole)), BERT)
    assert torch.equal(
        weights.state["encoder.layer.1.output.dense.weight"], whole.bert.encoder.layer[1].output.dense.weight
    )


def test_what_stands_at_the_padding_is_not_read(checkpoint, model, vocabulary):
    tokens = encoded(checkpoint, vocabulary)
    embeddings, mask = model.embed(tokens), tokens != PAD
    changed = torch.where(mask.unsqueeze(-1), embeddings, 1e3)
    torch.testing.assert_close(model.score(changed, mask), model.score(embeddings, mask))


def test_dropout_acts_on_the_body_in_training_only(checkpoint, vocabulary):
    torch.manual_seed(0)
    vectors, _ = piece_vectors(str(checkpoint), vocabulary)
    model = build_model("aplc_bert", vectors, 5, network(checkpoint, dropout=0.5)).train()
    model.dropout.eval()
    tokens = encoded(checkpoint, vocabulary)
    assert not torch.equal(model(tokens), model(tokens))
    model.eval()
    assert torch.equal(model(tokens), model(tokens))


def test_a_stored_model_needs_no_checkpoint(checkpoint, model, vocabulary, tmp_path):
    save_model(tmp_path, model, "aplc_bert", network(checkpoint))
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["network"]["body"] == BODY.model_dump()
    config["network"]["checkpoint"] = "nowhere"
    (tmp_path / "config.json").write_text(json.dumps(config))
    tokens = encoded(checkpoint, vocabulary)
    assert torch.equal(load_model(tmp_path)(tokens), model(tokens))


def test_names_of_the_state(model):
    of_layer = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")
    of_layer += ("attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm")
    tail = ("narrowing.weight", "output.weight", "output.bias")
    assert [*model.state_dict()] == [
        *("special", "embedding.weight"),
        *(f"body.embeddings.{name}_embeddings.weight" for name in ("position", "token_type")),
        *(f"body.embeddings.LayerNorm.{kind}" for kind in ("weight", "bias")),
        *(
            f"body.encoder.layer.{k}.{part}.{kind}"
            for k in range(2)
            for part in of_layer
            for kind in ("weight", "bias")
        ),
        *("summary.weight", "summary.bias", "clusters.rank", "clusters.output.weight", "clusters.output.bias"),
        *(f"clusters.tails.0.{name}" for name in tail),
    ]


def test_documents_longer_than_its_positions_are_one_line_before_training(model):
    message = "encode.max_tokens: a document of 8 tokens for a BERT that reads 7; give at most 7"
    with pytest.raises(UserError, match=message):
        model.prepare(split_of([[2], [3] * 8], [[0], [1]]), 0)
    with pytest.raises(UserError, match=message):
        model(torch.full((1, 8), 3))
    model.prepare(split_of([[2], [3] * 7], [[0], [1]]), 0)
    assert model(torch.full((1, 7), 3)).isfinite().all()


@pytest.mark.parametrize("change", [{"is_decoder": True}, {"model_type": "electra"}])
def test_a_body_of_another_kind_is_refused(checkpoint, tmp_path, change):
    for path in checkpoint.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((checkpoint / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        UserError, match="network.checkpoint: .* is not a bidirectional BERT; give one such as bert-base"
    ):
        load_body(str(tmp_path), BERT)
