import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, XLNetModel

from xmlcore.common.errors import UserError
from xmlcore.config.architectures import APLCXLNetNetwork, XLNetShape
from xmlcore.config.params import Encode, TinyCheckpoint
from xmlcore.corpora.simulation.checkpoint import write_tiny_checkpoint
from xmlcore.data.batches import pad, true_labels
from xmlcore.data.dataset import EncodedCorpus, load_encoded
from xmlcore.data.encoding import encode_corpus
from xmlcore.data.pretrained import XLNET, load_body, piece_vectors
from xmlcore.data.tokens import PAD
from xmlcore.defenses.squeezing import SqueezedEmbeddings
from xmlcore.models.aplc.xlnet import CLS_SEGMENT, APLCXLNet
from xmlcore.models.losses import label_prior
from xmlcore.models.predictor import Predictor
from xmlcore.models.registry import build_model, load_model, save_model
from xmlcore.ranking.predictions import untracked

BODY = XLNetShape(width=8, layers=2, heads=2, inner=12)
LABELS, VOCABULARY = 7, 20
TOKENS = pad([np.array([2, 3, 4, 5]), np.array([6]), np.array([7, 7, 3])])
MASK = TOKENS != PAD
PARAMETERS = ("weight", "bias")
TAIL = ("narrowing.weight", "output.weight", "output.bias")
TRAIN = [("wheat", "wheat prices rose"), ("wheat trade", "wheat exports fell"), ("trade", "the trade gap")] * 6


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    write_tiny_checkpoint(TinyCheckpoint(vocabulary=500, body=BODY), 0, folder)
    return folder


@pytest.fixture(scope="module")
def corpus(checkpoint, tmp_path_factory) -> EncodedCorpus:
    """Documents in pieces of the checkpoint."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "encoded").mkdir()
    for name in ("train", "test"):
        lines = [f"d{i}\t{labels}\t{text}\n" for i, (labels, text) in enumerate(TRAIN)]
        (folder / f"{name}.tsv").write_text("".join(lines))
    options = Encode(tokenizer=str(checkpoint), max_tokens=50, min_count=1, validation_fraction=0.2)
    encode_corpus(folder, folder / "encoded", options, 0, untracked)
    return load_encoded(folder / "encoded")


def network(**changes: object) -> APLCXLNetNetwork:
    shape = {"checkpoint": "none", "body": BODY, "hidden": 6, "clusters": [0.3, 0.6], "dropout": 0.0}
    return APLCXLNetNetwork(**{**shape, **changes})


@pytest.fixture
def model() -> APLCXLNet:
    """A float64 model all of whose parameters are random."""
    torch.manual_seed(0)
    model = APLCXLNet(torch.zeros(VOCABULARY, BODY.width), LABELS, network()).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    model.embedding.weight.data[PAD] = 0
    return model.eval()


def test_forward_is_score_of_embed(model):
    torch.testing.assert_close(model(TOKENS), model.score(model.embed(TOKENS), MASK))


@pytest.mark.parametrize("width", [4, 5, 20])
def test_padding_and_company_change_nothing(model, width):
    together = model(pad([np.array([2, 3, 4]), np.array([6, 5, 4, 2])], width))
    torch.testing.assert_close(together[:1], model(torch.tensor([[2, 3, 4]])))


def test_what_stands_at_the_padding_is_not_read(model):
    embeddings = model.embed(TOKENS)
    changed = torch.where(MASK.unsqueeze(-1), embeddings, 1e3)
    torch.testing.assert_close(model.score(changed, MASK), model.score(embeddings, MASK))


def test_order_matters(model):
    assert not torch.allclose(model(torch.tensor([[2, 3, 4]])), model(torch.tensor([[4, 3, 2]])))


def test_gradients_of_embeddings_in_evaluation_mode(model):
    embeddings = model.embed(TOKENS).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(model.score(embeddings, MASK).sum(), embeddings)
    assert gradient[MASK].abs().min() > 0
    assert not gradient[~MASK].any()
    step = 1e-6 * torch.randn_like(embeddings)
    rise = (model.score(embeddings + step, MASK) - model.score(embeddings, MASK)).sum()
    assert rise.item() == pytest.approx((gradient * step).sum().item(), rel=1e-3)


def test_rows_probe_and_steps_agree_with_score(model):
    batch = model.distinct(TOKENS)
    probe = torch.randn(2, *TOKENS.shape[1:], BODY.width, dtype=torch.float64)
    moved = model.embed(TOKENS)
    moved[:2] += probe
    torch.testing.assert_close(model.score_rows(batch, probe), model.score(moved, MASK))
    direction = torch.randn(*TOKENS.shape, BODY.width, dtype=torch.float64) * MASK.unsqueeze(-1)
    steps = model.score_steps(batch, direction, [0.0, 0.5])
    torch.testing.assert_close(steps[0], model(TOKENS))
    torch.testing.assert_close(steps[1], model.score(model.embed(TOKENS) + 0.5 * direction, MASK))


def test_the_loss_is_that_of_the_clusters_and_its_probe_takes_the_gradient(model, corpus):
    labels = true_labels(corpus.splits["train"], np.arange(3))
    batch = model.distinct(TOKENS)
    probe = torch.zeros(*TOKENS.shape, BODY.width, dtype=torch.float64, requires_grad=True)
    embeddings = model.embed(TOKENS).detach().requires_grad_()
    expected = model.clusters.loss(model.features(embeddings, MASK), labels)
    found = model.loss(batch._replace(rows=batch.rows.detach()), labels, probe)
    torch.testing.assert_close(found, expected)
    pair = torch.autograd.grad(found, probe)[0], torch.autograd.grad(expected, embeddings)[0]
    torch.testing.assert_close(*pair)


def test_a_narrowed_model_has_the_logits_of_the_asked_labels_in_the_asked_order(model):
    asked = torch.tensor([6, 0, 3])
    narrowed = model.narrow(asked)
    assert narrowed.labels == 3
    torch.testing.assert_close(narrowed(TOKENS), model(TOKENS)[:, asked], rtol=1e-12, atol=0)
    assert narrowed.embedding_table is model.embedding_table
    assert model(TOKENS).shape == (3, LABELS)


def test_the_output_parameters_are_those_of_the_clusters(model):
    names = {name for name, _ in model.named_parameters() if name.startswith("clusters.")}
    assert len(model.output_parameters) == len(names) > 0


def test_a_squeezed_model_has_a_loss(model, corpus):
    labels = true_labels(corpus.splits["train"], np.arange(3))
    assert SqueezedEmbeddings(model, 8).loss(model.distinct(TOKENS), labels).isfinite()


def test_names_of_the_state():
    state = APLCXLNet(torch.zeros(3, BODY.width), 4, network(body=BODY.model_copy(update={"layers": 1}))).state_dict()
    attention = ["q", "k", "v", "o", "r", "r_r_bias", "r_s_bias", "r_w_bias", "seg_embed"]
    assert [*state] == [
        *("special", "embedding.weight"),
        *(f"body.layer.0.rel_attn.{name}" for name in (*attention, "layer_norm.weight", "layer_norm.bias")),
        *(f"body.layer.0.ff.{part}.{kind}" for part in ("layer_norm", "layer_1", "layer_2") for kind in PARAMETERS),
        *("summary.weight", "summary.bias", "clusters.rank", "clusters.output.weight", "clusters.output.bias"),
        *(f"clusters.tails.{k}.{name}" for k in range(2) for name in TAIL),
    ]


def from_checkpoint(checkpoint: Path, corpus: EncodedCorpus) -> tuple[APLCXLNet, APLCXLNetNetwork]:
    vectors, _ = piece_vectors(str(checkpoint), corpus.vocabulary)
    shape = network(checkpoint=str(checkpoint), body=None)
    torch.manual_seed(0)
    return build_model("aplc_xlnet", vectors, len(corpus.label_names), shape), shape


def test_a_model_begins_as_its_checkpoint(checkpoint, corpus):
    model, _ = from_checkpoint(checkpoint, corpus)
    weights = load_body(str(checkpoint), XLNET)
    assert model.shape == BODY
    assert torch.equal(model.special, weights.special)
    state = model.body.state_dict()
    assert weights.state.keys() - state.keys() == {"word_embedding.weight", "mask_emb"}
    assert all(torch.equal(state[name], weights.state[name]) for name in state)


def test_a_document_is_read_as_the_checkpoints_tokenizer_lays_it_out(checkpoint, corpus):
    """With <sep> and <cls>, their segments and the padding on the left, through the checkpoint's own embeddings."""
    model, _ = from_checkpoint(checkpoint, corpus)
    texts = ["wheat prices rose", "wheat", "the trade gap"]
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    batch = tokenizer(texts, padding=True, return_token_type_ids=True, return_tensors="pt")
    assert batch["token_type_ids"][0].tolist()[-2:] == [0, CLS_SEGMENT]
    state = XLNetModel.from_pretrained(checkpoint)(**batch).last_hidden_state[:, -1]
    tokens = pad([np.array(corpus.vocabulary.encode(corpus.tokenize(text))) for text in texts])
    features = model.eval().features(model.embed(tokens), tokens != PAD)
    torch.testing.assert_close(features, model.summary(state).tanh())


def test_dropout_acts_on_the_body_in_training_only():
    model = APLCXLNet(torch.randn(VOCABULARY, BODY.width), LABELS, network(dropout=0.5)).train()
    model.dropout.eval()
    assert not torch.equal(model(TOKENS), model(TOKENS))
    model.eval()
    assert torch.equal(model(TOKENS), model(TOKENS))


def test_the_same_seed_builds_the_same_model(checkpoint, corpus):
    first, second = (from_checkpoint(checkpoint, corpus)[0].state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_stored_model_needs_no_checkpoint(checkpoint, corpus, tmp_path):
    model, shape = from_checkpoint(checkpoint, corpus)
    model.prepare(corpus.splits["train"], 0)
    save_model(tmp_path, model, "aplc_xlnet", shape)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["network"]["body"] == BODY.model_dump()
    hidden = checkpoint.with_name("hidden")
    os.rename(checkpoint, hidden)
    try:
        loaded = load_model(tmp_path)
        tokens = pad([corpus.splits["train"].document(i) for i in range(4)])
        assert torch.equal(loaded(tokens), model.eval()(tokens))
        assert corpus.tokenize("wheat prices")
    finally:
        os.rename(hidden, checkpoint)


def test_vectors_of_another_width_are_refused_with_the_mend(checkpoint):
    with pytest.raises(UserError, match="width 5 for a bidirectional XLNet of width 8; give {kind: checkpoint"):
        build_model("aplc_xlnet", np.zeros((3, 5), np.float32), 2, network(checkpoint=str(checkpoint), body=None))


def test_an_unknown_checkpoint_is_one_line(tmp_path):
    with pytest.raises(UserError, match="network.checkpoint: no tokenizer can be loaded from .*nowhere"):
        APLCXLNet(torch.zeros(3, BODY.width), 2, network(checkpoint=str(tmp_path / "nowhere"), body=None))


@pytest.mark.parametrize("labels", [1, 2, 3])
def test_few_labels(labels):
    model = APLCXLNet(torch.randn(VOCABULARY, BODY.width), labels, network())
    model.initialise_output(torch.full((labels,), -1.0))
    assert model(TOKENS).shape == (3, labels)


def test_a_few_steps_lower_the_loss(checkpoint, corpus):
    model, _ = from_checkpoint(checkpoint, corpus)
    split = corpus.splits["train"]
    model.prepare(split, 0)
    model.initialise_output(label_prior(split, model.labels))
    documents = np.arange(len(split))
    batch = model.distinct(pad([split.document(i) for i in documents])), true_labels(split, documents)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        loss = model.loss(*batch)
        loss.backward(retain_graph=True)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_labels_are_ranked_by_the_training_documents(checkpoint, corpus):
    model, _ = from_checkpoint(checkpoint, corpus)
    model.prepare(corpus.splits["train"], 0)
    counts = np.bincount(corpus.splits["train"].labels, minlength=2)
    assert (counts[0] >= counts[1]) == (model.clusters.rank.tolist() == [0, 1])


def test_explainers_may_hide_pieces(checkpoint, corpus):
    model, _ = from_checkpoint(checkpoint, corpus)
    predictor = Predictor(model, corpus, batch_size=2)
    pieces = predictor.tokenize("wheat prices rose")
    scores = predictor.scores([pieces, ["<unk>", *pieces[1:]], []], [1, 0])
    assert scores.shape == (3, 2)
    assert np.isfinite(scores).all()
