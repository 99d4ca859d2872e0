import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from substitutions import VOCABULARY, documents, every_substitution, random_substitutes
from xmlcore.config.architectures import BagOfWordsNetwork
from xmlcore.models.bag_of_words import BagOfWords

LABELS, WIDTH = 5, 4


def random_bag(seed: int, **network: float) -> BagOfWords:
    torch.manual_seed(seed)
    model = BagOfWords(torch.randn(VOCABULARY, WIDTH), LABELS, BagOfWordsNetwork(**{"dropout": 0.0} | network))
    torch.nn.init.normal_(model.output.weight)
    torch.nn.init.normal_(model.output.bias)
    model.embedding.weight.data[0] = 0
    return model.eval()


def pairs(labels: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Every label of the first document against all labels."""
    return torch.zeros(labels, dtype=torch.int64), torch.arange(labels), torch.arange(labels).repeat(labels, 1)


shares = st.sampled_from([1.0, 0.5, 0.25, 0.0])


@given(st.integers(0, 10**6), documents, shares)
def test_no_substitution_leaves_the_bounds(seed, document, share):
    model, substitutes = random_bag(seed), random_substitutes(seed)
    batch = model.distinct_with_substitutes(functional.pad(document, (0, 2))[None], substitutes)
    bounds = model.bounds(batch, share=share)
    own, low, high = (each[0] for each in bounds.logits())
    logits = model(every_substitution(document, substitutes, share))
    error = 1e-5 * bounds.magnitude()[0]
    torch.testing.assert_close(own, model(document[None])[0])
    assert (low - error <= logits).all() and (logits <= high + error).all()
    margins = (logits[:, :, None] - logits[:, None, :]).amin(0)
    found = bounds.margins(*pairs(LABELS))
    assert (found <= margins + error[:, None] + error).all()
    assert (logits.abs() <= bounds.magnitude()[0] + 1e-5).all()


@given(st.integers(0, 10**6), documents, shares)
def test_without_biases_it_is_exact_which_of_two_labels_can_be_first(seed, document, share):
    model, substitutes = random_bag(seed), random_substitutes(seed)
    model.output.bias.data.zero_()
    batch = model.distinct_with_substitutes(document[None], substitutes)
    total = model.embedding_table[every_substitution(document, substitutes, share)].sum(1)
    sums = total @ model.output.weight.T
    expected = (sums[:, :, None] - sums[:, None, :]).amin(0)
    found = model.bounds(batch, share=share).margins(*pairs(LABELS))
    doubtful = expected.abs() < 1e-4
    assert torch.equal(found[~doubtful] > 0, expected[~doubtful] > 0)


@given(st.integers(0, 10**6), documents)
def test_without_a_radius_the_bounds_are_the_logits_and_their_differences(seed, document):
    model, substitutes = random_bag(seed), random_substitutes(seed)
    bounds = model.bounds(model.distinct_with_substitutes(document[None], substitutes), 0.0)
    logits, error = model(document[None])[0], 1e-5 * bounds.magnitude()[0]
    for each in bounds.logits():
        assert ((each[0] - logits).abs() <= error).all()
    differences = logits[:, None] - logits
    assert ((bounds.margins(*pairs(LABELS)) - differences).abs() <= error[:, None] + error).all()


def test_a_document_whose_words_may_cancel_out_is_bounded_by_the_length_of_the_weights():
    model = random_bag(0)
    model.embedding.weight.data[2] = -model.embedding.weight.data[1]
    substitutes = torch.arange(VOCABULARY)[:, None].repeat(1, 2)
    substitutes[1, 1] = 2
    bounds = model.bounds(model.distinct_with_substitutes(torch.tensor([[1, 1]]), substitutes))
    own, low, high = (each - model.output.bias for each in bounds.logits())
    length = model.output.weight.norm(dim=1)
    torch.testing.assert_close(torch.where(own > 0, -low, high)[0], length)
    assert (torch.where(own > 0, high, -low)[0] <= length).all()


def test_every_parameter_learns_from_both_sides_of_the_bounds():
    model, substitutes = random_bag(3), random_substitutes(3)
    substitutes[:, 1] = torch.arange(VOCABULARY).roll(1)
    substitutes[0], substitutes[1, 1] = 0, 5
    tokens = torch.tensor([[1, 2, 3, 3], [4, 5, 0, 0]])
    for side in (1, 2):
        model.zero_grad()
        model.bounds(model.distinct_with_substitutes(tokens, substitutes), 0.2).logits()[side].sum().backward()
        assert model.output.weight.grad.any(1).all() and model.output.bias.grad.all()
        assert model.embedding.weight.grad[1:6].any(1).all() and not model.embedding.weight.grad[0].any()
        assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


def test_dropout_falls_on_a_document_and_its_bounds_alike():
    model = random_bag(2, dropout=0.5).train()
    own = torch.arange(VOCABULARY)[:, None]
    torch.manual_seed(1)
    without, low, high = model.bounds(model.distinct_with_substitutes(torch.tensor([[1, 2, 3]]), own)).logits()
    torch.testing.assert_close(low, without)
    torch.testing.assert_close(high, without)
    assert not torch.allclose(without, model.eval()(torch.tensor([[1, 2, 3]])))
