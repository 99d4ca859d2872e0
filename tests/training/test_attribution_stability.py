"""The penalty on attributions that an attack changes, in closed form on a linear model."""

import pytest
import torch

from toys import LinearClassifier, labels_of, random_xml_cnn
from xmlcore.data.batches import pad, true_labels
from xmlcore.training.attribution_stability import attribution_change

MASK = torch.tensor([[True, True, True, True], [True, True, False, False]])


def linear():
    return LinearClassifier([[0.0, 0.0], [5.0, 5.0], [1.0, 2.0]], [[2.0, 0.0, 1.0], [-1.0, 3.0, 1.0]])


def penalty(model, step, labels, seed=0):
    torch.manual_seed(seed)
    embeddings = torch.randn(2, 4, 2, generator=torch.Generator().manual_seed(1)) * MASK.unsqueeze(-1)
    return attribution_change(model, embeddings, MASK, step, labels)


def hidden(seed=0):
    torch.manual_seed(seed)
    return (torch.rand(MASK.shape) < torch.rand(len(MASK), 1)) & MASK


def test_the_change_is_what_the_step_does_to_the_hidden_words():
    """Of a linear model: their shift, as a share of the document, times the weights of each true label."""
    model, labels = linear(), labels_of([0, 2], [1])
    step = torch.randn(2, 4, 2, generator=torch.Generator().manual_seed(2)) * MASK.unsqueeze(-1)
    for seed in range(5):
        shift = (step * hidden(seed).unsqueeze(-1)).sum(1) / MASK.sum(1, keepdim=True) @ model.weights
        expected = shift[0, 0] ** 2 + shift[0, 2] ** 2 + shift[1, 1] ** 2
        torch.testing.assert_close(penalty(model, step, labels, seed), expected)


def test_no_step_no_penalty_and_no_labels_none_either():
    step = MASK.unsqueeze(-1).float().expand(2, 4, 2)
    assert penalty(linear(), torch.zeros(2, 4, 2), labels_of([0], [1])) == 0
    assert penalty(linear(), step, labels_of([], [])) == 0
    assert penalty(linear(), step, labels_of([0], [1])) > 0


def test_every_number_of_hidden_words_is_as_likely():
    torch.manual_seed(0)
    mask = torch.ones(40_000, 4, dtype=torch.bool)
    count = ((torch.rand(mask.shape) < torch.rand(len(mask), 1)) & mask).sum(1).bincount() / len(mask)
    assert count.tolist() == pytest.approx([0.2] * 5, abs=0.01)


def test_its_gradient_lowers_it_and_reaches_the_embeddings():
    model, split = random_xml_cnn(6)
    documents = torch.arange(10).numpy()
    tokens = pad([split.document(i) for i in documents])
    mask, labels = tokens != 0, true_labels(split, documents)
    embeddings = model.embed(tokens)
    step = 0.3 * torch.randn(embeddings.shape, generator=torch.Generator().manual_seed(0)).sign() * mask.unsqueeze(-1)

    def measured():
        torch.manual_seed(0)
        return attribution_change(model, model.embed(tokens), mask, step, labels)

    before = measured()
    before.backward()
    assert model.embedding.weight.grad.any()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 1e-5 * parameter.grad
    assert measured() < before
