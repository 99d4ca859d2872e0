import itertools

import torch
from toys import LinearClassifier

from xmlcore.attacks.embeddings.documents import Documents
from xmlcore.attacks.embeddings.objectives import margin
from xmlcore.attacks.words.every_word import substitute_every_word

TABLE = [[0.0, 0.0], [1.0, 0.0], [0.5, 0.3], [0.2, 0.9], [0.0, 1.0]]


def attacked(tokens, substitutes, steps=2):
    model = LinearClassifier(TABLE, [[1.0, 0.0], [0.0, 1.0]])
    tokens, targets = torch.tensor(tokens), torch.tensor([[1.0, 0.0]] * len(tokens))
    documents = Documents(model, model.embed(tokens).detach(), tokens != 0, targets)
    choices = model.embed(substitutes[tokens].flatten(1)).detach().view(*tokens.shape, -1, 2)
    return model, [*substitute_every_word(documents, choices, objective=margin, steps=steps)]


def test_on_a_linear_model_the_first_step_is_the_worst_of_all_substitutions():
    substitutes = torch.tensor([[0, 0, 0], [1, 2, 3], [2, 1, 2], [3, 4, 3], [4, 4, 4]])
    document = [1, 2, 3]
    model, (clean, first, second) = attacked([document], substitutes)
    every = torch.tensor([*itertools.product(*(substitutes[token].tolist() for token in document))])
    logits = model(every)
    torch.testing.assert_close(first.objective[0], (logits[:, 1] - logits[:, 0]).max())
    torch.testing.assert_close(second.logits, first.logits)
    torch.testing.assert_close(clean.logits, model(torch.tensor([document])))
    assert first.objective > clean.objective


def test_padding_stays_and_so_does_what_has_no_substitute():
    substitutes = torch.tensor([[0, 0], [1, 1], [2, 4], [3, 3], [4, 4]])
    _, (*_, last) = attacked([[1, 2], [1, 0]], substitutes, steps=1)
    assert last.perturbation[1].abs().sum() == 0 and last.perturbation[0, 0].abs().sum() == 0
    torch.testing.assert_close(last.perturbation[0, 1], torch.tensor([-0.5, 0.7]))
