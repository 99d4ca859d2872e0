import shutil

import numpy as np
import pytest
import torch

from toys import split_of
from xmlcore.common.errors import UserError
from xmlcore.config.architectures import EnsembleNetwork, XLNetShape
from xmlcore.config.params import TinyCheckpoint
from xmlcore.corpora.simulation.checkpoint import write_tiny_checkpoint
from xmlcore.data.batches import pad, true_labels
from xmlcore.models.registry import build_model, load_model, save_model

SPLIT = split_of([[1, 2, 3], [4, 5], [5, 1, 4, 2]], [[0], [3, 1], [2]])
TOKENS = pad([SPLIT.document(i) for i in range(3)])
XML_CNN = {"width": 4, "encoder": {"xml_cnn": {"windows": [1, 2], "filters": 3, "hidden": 5}}}
BAG = {"width": 2, "encoder": {"bag_of_words": {}}}
RIDGE = {"width": 2, "trained": False, "encoder": {"bag_of_words": {"ridge": 1.0}}}


def network(*members: dict) -> EnsembleNetwork:
    return EnsembleNetwork.model_validate({"members": list(members)})


def vectors(width: int) -> np.ndarray:
    table = np.random.default_rng(0).standard_normal((6, width)).astype(np.float32)
    table[0] = 0
    return table


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build_model("ensemble", vectors(6), 4, network(XML_CNN, BAG)).eval()


def test_a_label_scores_the_mean_of_what_the_members_would_give_it_alone(model):
    found = model(TOKENS).sigmoid()
    alone = []
    for member, columns in zip(model.classifiers, (slice(4), slice(4, 6)), strict=True):
        member.embedding.weight.data = model.embedding_table.data[:, columns].contiguous()
        alone.append(member(TOKENS).sigmoid())
    torch.testing.assert_close(found, sum(alone) / 2)
    assert not torch.allclose(*alone)


def test_the_loss_is_the_sum_of_those_of_the_members(model):
    batch = model.distinct(TOKENS)
    labels = true_labels(SPLIT, range(3))
    expected = sum(
        member.loss(batch._replace(rows=rows), labels)
        for member, rows in zip(model.classifiers, batch.rows.split(4, 1), strict=True)
    )
    torch.testing.assert_close(model.loss(batch, labels), expected)


def test_a_member_that_is_not_trained_stays_as_it_is_prepared_has_its_say_and_is_attacked():
    model = build_model("ensemble", vectors(6), 4, network(XML_CNN, RIDGE))
    labels = true_labels(SPLIT, range(3))
    model.prepare(SPLIT, seed=0)
    batch = model.distinct(TOKENS)
    model.loss(batch, labels).backward()
    xml_cnn, ridge = model.classifiers
    assert all(parameter.grad is None for parameter in ridge.parameters())
    assert xml_cnn.output.weight.grad.any()
    assert model.embedding_table.grad[1:, :4].any()
    assert not model.embedding_table.grad[:, 4:].any()
    model.eval()
    rows = model.distinct(TOKENS).rows
    (gradient,) = torch.autograd.grad(model.loss(batch._replace(rows=rows), labels), rows)
    assert gradient[1:, :4].any(1).all()
    assert gradient[1:, 4:].any(1).all()  # where an attack looks
    (gradient,) = torch.autograd.grad(model.score_rows(batch._replace(rows=rows)).sum(), rows)
    assert gradient[1:, 4:].all()


def test_an_ensemble_of_which_nothing_is_trained_is_refused():
    with pytest.raises(ValueError, match="members: let one of them at least be `trained`"):
        network(RIDGE, RIDGE)


def test_members_share_nothing(model):
    batch = model.distinct(TOKENS)
    (gradient,) = torch.autograd.grad(model.logits_of_each(batch)[1].sum(), batch.rows)
    assert gradient[1:, 4:].any()
    assert not gradient[:, :4].any()


def test_every_member_is_prepared_and_begins_at_the_prior(model):
    torch.nn.init.zeros_(model.classifiers[1].output.weight)
    model.prepare(SPLIT, seed=0)
    assert model.classifiers[1].output.weight.any()
    prior = torch.tensor([-1.0, -2.0, -3.0, -4.0])
    model.initialise_output(prior)
    for member in model.classifiers:
        torch.testing.assert_close(member.output.bias.data, prior)


def test_it_is_stored_without_the_checkpoints_of_its_members(tmp_path):
    checkpoint, stored = tmp_path / "checkpoint", tmp_path / "stored"
    for folder in (checkpoint, stored):
        folder.mkdir()
    body = XLNetShape(width=4, layers=1, heads=2, inner=6)
    write_tiny_checkpoint(TinyCheckpoint(vocabulary=500, body=body), 0, checkpoint)
    xlnet = {"width": 4, "encoder": {"aplc_xlnet": {"checkpoint": str(checkpoint), "hidden": 6}}}
    model = build_model("ensemble", vectors(6), 4, network(xlnet, BAG)).eval()
    save_model(stored, model, "ensemble", network(xlnet, BAG))
    shutil.rmtree(checkpoint)
    torch.testing.assert_close(load_model(stored)(TOKENS), model(TOKENS))


def test_widths_that_are_not_those_of_the_vectors_are_refused():
    with pytest.raises(UserError, match=r"^network.members: widths of 6 together for vectors of width 7; give each"):
        build_model("ensemble", vectors(7), 4, network(XML_CNN, BAG))
