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


@pytest.mark.parametrize(
    ("changes", "risen", "epsilon"),
    [({}, 0.25, 0.5), ({"epsilon": 0.0, "relative_size": 0.2}, 1.0, 1.0)],  # of 4 values: 0.2 * 10 / sqrt(4)
)
def test_the_radius_rises_and_may_be_a_relative_size(changes: dict, risen: float, epsilon: float) -> None:
    regime = REGIME.model_copy(update=changes)
    found = hybrid_backward(linear(), TOKENS, LABELS, regime, Reduction("document"), risen=risen)
    same, more = (
        hybrid_backward(linear(), TOKENS, LABELS, REGIME.model_copy(update={"epsilon": each}), Reduction("document"))
        for each in (epsilon, REGIME.epsilon)
    )
    assert found.item() == pytest.approx(same.item())
    assert found.item() < more.item()


def test_a_warm_up_ends_with_all_of_the_radius() -> None:
    regime = REGIME.model_copy(update={"warmup": 4})
    assert [regime.risen(epochs) for epochs in (0.0, 1.0, 4.0, 9.0)] == [0.0, 0.25, 1.0, 1.0]
    assert REGIME.risen(0.0) == 1.0
