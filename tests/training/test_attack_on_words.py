"""Adversarial training on words: on a linear model the attack is known in closed form."""

from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from toys import LinearClassifier
from xmlcore.config.architectures import XMLCNNNetwork
from xmlcore.config.params import Regime
from xmlcore.data.batches import TrueLabels
from xmlcore.data.tokens import PAD
from xmlcore.models.base import Classifier
from xmlcore.models.token_rows import TokenRows
from xmlcore.models.xml_cnn.model import XMLCNN
from xmlcore.training.adversarial import Reduction, hybrid_backward

REGIME = Regime(epsilon=0.0, adversarial_weight=0.3, adversarial_share=1.0, attack_space="words", squeeze="none")
TOKENS = torch.tensor([[1, 2, 3], [4, 5, PAD]])
SUBSTITUTES = torch.tensor([[0, 0, 0], [1, 4, 5], [2, 6, 2], [3, 3, 3], [4, 2, 1], [5, 6, 3], [6, 5, 6]])
LABELS = TrueLabels(torch.tensor([[0], [1]]), torch.ones(2, 1))
TARGETS = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])


def table() -> Tensor:
    torch.manual_seed(0)
    rows = torch.randn(7, 4)
    rows[PAD] = 0
    return rows


def linear() -> LinearClassifier:
    """A model in which label 2 is far behind, so that the best wrong label is the other of the first two."""
    model = LinearClassifier(table().tolist(), torch.randn(4, 3).tolist())
    model.initialise_output(torch.tensor([0.0, 0.0, -50.0]))
    return model


def loss(model: Classifier, tokens: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(model(tokens), TARGETS, reduction="sum") / len(tokens)


def worst(model: LinearClassifier, changes: int = 3) -> Tensor:
    """The tokens with at most so many substitutes in each document that the margin is highest, found by trying."""
    found = TOKENS.clone()
    for row, own, label in zip(found, TOKENS.tolist(), LABELS.ids[:, 0].tolist(), strict=True):
        every = torch.tensor([*product(*(dict.fromkeys(SUBSTITUTES[token].tolist()) for token in own))])
        every = every[(every != torch.tensor(own)).sum(1) <= changes]
        logits = model(every)
        row.copy_(every[(logits[:, 1 - label] - logits[:, label]).argmax()])
    return found


def assert_trains_on(model: Classifier, attacked: Tensor, regime: Regime) -> None:
    """Assert that the loss and its gradients are those of the documents and of the `attacked` ones."""
    expected = 0.7 * loss(model, TOKENS) + 0.3 * loss(model, attacked)
    gradients = torch.autograd.grad(expected, [*model.parameters()])
    found = hybrid_backward(model, TOKENS, LABELS, regime, Reduction("document"), SUBSTITUTES)
    torch.testing.assert_close(found, expected.detach())
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad.to_dense(), gradient)


@pytest.mark.parametrize("steps", [1, 3])
def test_the_loss_and_its_gradients_are_those_of_the_worst_substitutes(steps: int) -> None:
    model, regime = linear(), REGIME.model_copy(update={"attack_objective": "margin", "attack_steps": steps})
    attacked = worst(model)
    assert (attacked != TOKENS).sum() >= 3
    assert_trains_on(model, attacked, regime)


def test_no_more_words_are_substituted_than_may_change() -> None:
    regime = REGIME.model_copy(update={"attack_objective": "margin", "max_change": 0.5})
    model = linear()
    attacked = worst(model, changes=1)  # of three words, and of two
    assert (attacked != TOKENS).sum(1).tolist() == [1, 1]
    assert_trains_on(model, attacked, regime)


class Watched(XMLCNN):
    """Counts its passes."""

    passes = 0

    def score_rows(self, batch: TokenRows, probe: Tensor | None = None) -> Tensor:
        self.passes += 1
        return super().score_rows(batch, probe)


def test_one_step_up_the_loss_goes_along_its_gradient_and_takes_no_pass_of_its_own() -> None:
    model = Watched(table(), 3, XMLCNNNetwork(windows=[1, 2], filters=4, hidden=6)).eval()
    embeddings = model.embed(TOKENS).detach().requires_grad_()
    logits = model.score(embeddings, TOKENS != PAD)
    (gradient,) = torch.autograd.grad(functional.binary_cross_entropy_with_logits(logits, TARGETS), embeddings)
    choices = SUBSTITUTES[TOKENS]
    gains = torch.einsum("btd,btkd->btk", gradient, model.embed(choices.flatten(1)).view(*choices.shape, 4))
    attacked = choices.gather(2, gains.argmax(2, keepdim=True)).squeeze(2)
    assert (attacked != TOKENS).sum(1).tolist() > [0, 0]
    assert_trains_on(model, attacked, REGIME)
    model.passes = 0
    hybrid_backward(model, TOKENS, LABELS, REGIME, Reduction("document"), SUBSTITUTES)
    assert model.passes == 2


def test_a_share_of_the_documents_is_attacked() -> None:
    torch.manual_seed(0)
    regime = REGIME.model_copy(update={"attack_objective": "margin", "adversarial_share": 0.5})
    model, sum_ = linear(), Reduction("document")
    losses = functional.binary_cross_entropy_with_logits(model(worst(model)), TARGETS, reduction="none").sum(1)
    expected = (0.7 * loss(model, TOKENS) + 0.3 * losses).tolist()  # with the one, and with the other document attacked
    found = [hybrid_backward(model, TOKENS, LABELS, regime, sum_, SUBSTITUTES).item() for _ in range(20)]
    assert sorted({round(each, 4) for each in found}) == sorted(round(each, 4) for each in expected)
