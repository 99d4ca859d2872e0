import itertools

import torch

from toys import LinearClassifier
from xmlcore.attacks.embeddings.objectives import margin
from xmlcore.attacks.words.every_word import substitute_every_word, substitute_every_word_by_scores

TABLE = [[0.0, 0.0], [1.0, 0.0], [0.5, 0.3], [0.2, 0.9], [0.0, 1.0]]


def attacked(tokens, substitutes, steps=2, max_change=1.0):
    model = LinearClassifier(TABLE, [[1.0, 0.0], [0.0, 1.0]])
    tokens, targets = torch.tensor(tokens), torch.tensor([[1.0, 0.0]] * len(tokens))
    batch = model.distinct_with_substitutes(tokens, substitutes)
    steps = substitute_every_word(model, batch, targets, objective=margin, steps=steps, max_change=max_change)
    return model, [each.logits for each in steps]


def test_on_a_linear_model_the_first_step_is_the_worst_of_all_substitutions():
    substitutes = torch.tensor([[0, 0, 0], [1, 2, 3], [2, 1, 2], [3, 4, 3], [4, 4, 4]])
    document = [1, 2, 3]
    model, (clean, first, second) = attacked([document], substitutes)
    every = torch.tensor([*itertools.product(*(substitutes[token].tolist() for token in document))])
    lead = model(every) @ torch.tensor([-1.0, 1.0])
    torch.testing.assert_close(first[0] @ torch.tensor([-1.0, 1.0]), lead.max())
    torch.testing.assert_close(second, first)
    torch.testing.assert_close(clean, model(torch.tensor([document])))
    assert (first - clean) @ torch.tensor([-1.0, 1.0]) > 0
    assert all(parameter.grad is None for parameter in model.parameters())


def test_by_scores_it_finds_on_a_linear_model_what_it_finds_by_gradients():
    substitutes = torch.tensor([[0, 0, 0], [1, 2, 3], [2, 1, 2], [3, 4, 3], [4, 4, 4]])
    model, by_gradients = attacked([[1, 2, 3]], substitutes)
    targets = torch.tensor([[1.0, 0.0]])
    found = substitute_every_word_by_scores(
        model, torch.tensor([1, 2, 3]), substitutes, targets, objective=margin, steps=2
    )
    for each, expected in zip(found, by_gradients, strict=True):
        torch.testing.assert_close(each, expected)


def test_padding_stays_and_so_does_what_has_no_substitute():
    substitutes = torch.tensor([[0, 0], [1, 1], [2, 4], [3, 3], [4, 4]])
    model, (*_, last) = attacked([[1, 2], [1, 0]], substitutes, steps=1)
    torch.testing.assert_close(last, model(torch.tensor([[1, 4], [1, 0]])))


def test_of_a_share_of_the_words_those_are_substituted_that_gain_most():
    substitutes = torch.tensor([[0, 0], [1, 2], [2, 4], [3, 4], [4, 4]])  # leads of 0.8, 1.2 and 0.3
    model, (_, last) = attacked([[1, 2, 3, 4], [2, 1, 0, 0]], substitutes, steps=1, max_change=0.5)
    torch.testing.assert_close(last, model(torch.tensor([[2, 4, 3, 4], [4, 1, 0, 0]])))
    model, (clean, last) = attacked([[1, 2, 3, 4]], substitutes, steps=1, max_change=0.2)
    assert torch.equal(last, clean)  # a fifth of four words is none
