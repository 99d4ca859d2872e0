import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch.nn import functional

from toys import split_of
from xmlcore.config.architectures import BagOfWordsNetwork
from xmlcore.data.batches import pad
from xmlcore.data.tokens import Vocabulary
from xmlcore.data.word_vectors import idf_vectors
from xmlcore.models import bag_of_words
from xmlcore.models.registry import build_model
from xmlcore.models.token_rows import TokenRows

SPLIT = split_of([[2, 3, 4], [2, 3, 5], [6, 7, 4], [6, 7, 8], [9, 9, 2]], [[0], [0, 2], [1], [1], []])


def bag(labels: int = 3, width: int = 512, **network):
    torch.manual_seed(0)
    vectors = idf_vectors(SPLIT, Vocabulary("bcdefghij"), width, seed=0)
    return build_model("bag_of_words", vectors, labels, BagOfWordsNetwork(**network)).eval()


def test_the_logits_by_hand():
    model = bag()
    table, weight, bias = model.embedding_table, model.output.weight, model.output.bias
    total = table[2] + 2 * table[9]
    expected = weight @ (total / total.norm()) + bias
    torch.testing.assert_close(model(torch.tensor([[2, 9, 9, 0]]))[0], expected)


def test_prototypes_are_the_mean_directions_of_a_labels_documents_without_what_all_share():
    model = bag(prototype_scale=20.0)
    model.prepare(SPLIT, seed=0)
    features = functional.normalize(torch.stack([model.embedding_table[SPLIT.document(i)].sum(0) for i in range(5)]))
    shared = functional.normalize(features.sum(0), dim=0)
    for label, documents in enumerate([[0, 1], [2, 3], [1]]):
        prototype = functional.normalize(features[documents].sum(0), dim=0)
        prototype = functional.normalize(prototype - (prototype @ shared) * shared, dim=0)
        torch.testing.assert_close(model.output.weight[label], 20 * prototype)


def test_a_ridge_regression_has_the_directions_of_the_closed_form_and_the_square_roots_of_its_lengths():
    model = bag(prototype_scale=20.0, ridge=0.3)
    model.prepare(SPLIT, seed=0)
    features = functional.normalize(torch.stack([model.embedding_table[SPLIT.document(i)].sum(0) for i in range(5)]))
    targets = np.array([[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 0], [0, 0, 0]])
    expected = torch.from_numpy(Ridge(0.3, fit_intercept=False).fit(features.detach().numpy(), targets).coef_).float()
    found, lengths = model.output.weight.detach(), expected.norm(dim=1)
    torch.testing.assert_close(functional.normalize(found), functional.normalize(expected), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found.norm(dim=1), 20 * (lengths / lengths.mean()).sqrt(), atol=1e-3, rtol=1e-4)


def test_a_ridge_regression_begins_without_the_prior_of_single_labels_which_it_knows():
    prior = torch.tensor([-1.0, -2.0, -6.0])
    for ridge, expected in ((0.0, prior), (0.3, torch.tensor([-3.0, -3.0, -3.0]))):
        model = bag(ridge=ridge)
        model.initialise_output(prior)
        torch.testing.assert_close(model.output.bias.detach(), expected)


def test_a_label_without_documents_has_no_coefficients():
    model = bag(labels=4, ridge=0.3)
    model.prepare(SPLIT, seed=0)
    assert not model.output.weight[3].any()
    assert model.output.weight[:3].any(1).all()


def test_a_model_that_begins_at_prototypes_ranks_before_it_has_learned():
    model = bag()
    model.prepare(SPLIT, seed=0)
    model.initialise_output(torch.zeros(3))
    assert model(pad([np.array([3]), np.array([7])])).argmax(1).tolist() == [0, 1]


def test_without_a_scale_the_output_is_left_at_random():
    model = bag(prototype_scale=0.0)
    before = model.output.weight.clone()
    model.prepare(SPLIT, seed=0)
    assert torch.equal(model.output.weight, before)


def test_a_label_without_documents_has_no_prototype():
    model = bag(labels=4)
    model.prepare(SPLIT, seed=0)
    assert not model.output.weight[3].any()
    assert model.output.weight[:3].norm(dim=1).tolist() == pytest.approx([20] * 3, rel=1e-4)


def test_what_a_heavy_word_leaves_when_it_is_substituted_is_what_it_left_out():
    model = bag()
    rows = torch.randn(4, 512).index_fill(0, torch.tensor([0]), 0)
    rows[2] *= 1e7
    document = TokenRows(model.precompute(rows), torch.tensor([1, 2, 3]))
    found = model.score_substitutions(document, torch.tensor([1]), torch.tensor([3]))
    torch.testing.assert_close(found, model.score_rows(TokenRows(rows, torch.tensor([[1, 3, 3]]))))


def test_products_are_added_up_in_blocks(monkeypatch):
    """A ridge regression is the same in blocks of any width, those that do not divide the columns too."""
    found = []
    for block in (512, 100):
        monkeypatch.setattr(bag_of_words, "BLOCK", block)
        model = bag(ridge=0.3)
        model.prepare(SPLIT, seed=0)
        found.append(model.output.weight.detach())
    torch.testing.assert_close(*found, atol=1e-4, rtol=1e-4)
