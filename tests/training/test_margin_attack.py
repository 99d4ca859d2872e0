"""Adversarial training against PGD on the margin: on a linear model the attack is known in closed form."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from toys import LinearClassifier
from xmlcore.attacks.embeddings.fgsm import adaptive_epsilon
from xmlcore.config.params import Regime
from xmlcore.data.batches import TrueLabels
from xmlcore.data.tokens import PAD
from xmlcore.training.adversarial import Reduction, hybrid_backward

REGIME = Regime(
    epsilon=2.0,
    adversarial_weight=0.3,
    adversarial_share=1.0,
    attack_objective="margin",
    attack_steps=4,
    squeeze="none",
)
TOKENS = torch.tensor([[1, 2, 3], [4, 5, PAD]])
LABELS = TrueLabels(torch.tensor([[0], [1]]), torch.ones(2, 1))
TARGETS = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])


def linear() -> LinearClassifier:
    """A model in which label 2 is far behind, so that the best wrong label is the other of the first two."""
    torch.manual_seed(0)
    table = torch.randn(6, 4)
    table[PAD] = 0
    model = LinearClassifier(table.tolist(), torch.randn(4, 3).tolist())
    model.initialise_output(torch.tensor([0.0, 0.0, -50.0]))
    return model


def worst(model: LinearClassifier, epsilon: float) -> tuple[Tensor, Tensor]:
    """The mask, and the embeddings moved to the corner of the ball to which the margin rises."""
    mask = TOKENS != PAD
    batch = model.distinct(TOKENS)
    rises = (model.weights[:, [1, 0]] - model.weights[:, [0, 1]]).detach().T.sign()  # (B, D)
    radius = adaptive_epsilon(batch, epsilon)
    return mask, model.embed(TOKENS) + radius * rises[:, None] * mask.unsqueeze(-1)


def loss(logits: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, TARGETS, reduction="sum") / len(logits)


def test_the_loss_and_its_gradients_are_those_at_the_corner() -> None:
    model = linear()
    mask, moved = worst(model, REGIME.epsilon)
    expected = 0.7 * loss(model.score(model.embed(TOKENS), mask)) + 0.3 * loss(model.score(moved, mask))
    gradients = torch.autograd.grad(expected, [*model.parameters()])
    found = hybrid_backward(model, TOKENS, LABELS, REGIME, Reduction("document"))
    torch.testing.assert_close(found, expected.detach())
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad.to_dense(), gradient)


@pytest.mark.parametrize("changes", [{"attack_steps": 3}, {"attack_objective": "margin"}])
def test_what_is_not_fgsm_takes_passes_of_its_own(changes: dict) -> None:
    passes = []

    class Watched(LinearClassifier):
        def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
            passes.append(len(mask))
            return super().score(embeddings, mask)

    fgsm = Regime(epsilon=1.0, adversarial_weight=0.3, adversarial_share=1.0, squeeze="none")
    counts = []
    for regime in (fgsm, fgsm.model_copy(update=changes)):
        passes.clear()
        model = Watched(linear().embedding_table.tolist(), linear().weights.tolist())
        hybrid_backward(model, TOKENS, LABELS, regime, Reduction("document"))
        counts.append(len(passes))
    assert counts == [2, 2 + regime.attack_steps + 1]
