"""Training for consistency: on a linear model the attack is known in closed form, and the divergence by torch."""

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, kl_divergence
from torch.nn import functional

from toys import LinearClassifier
from xmlcore.attacks.embeddings.fgsm import adaptive_epsilon
from xmlcore.config.params import Regime
from xmlcore.data.batches import TrueLabels
from xmlcore.data.tokens import PAD
from xmlcore.models.token_rows import TokenRows
from xmlcore.training import consistency
from xmlcore.training.adversarial import Reduction, hybrid_backward
from xmlcore.training.consistency import divergence

TOKENS = torch.tensor([[1, 2, 3], [4, 5, PAD]])
LABELS = TrueLabels(torch.tensor([[0, -1], [1, 7]]), torch.ones(2, 2))


@pytest.fixture
def model() -> LinearClassifier:
    torch.manual_seed(0)
    table = torch.randn(6, 4)
    table[PAD] = 0
    return LinearClassifier(table.tolist(), torch.randn(4, 8).tolist())


def kl(clean: Tensor, moved: Tensor) -> Tensor:
    return kl_divergence(Bernoulli(logits=clean), Bernoulli(logits=moved))


def attacked(model: LinearClassifier, step: float) -> TokenRows:
    return TokenRows.one_each(model.embed(TOKENS) + step, TOKENS != PAD)


def test_only_true_labels_and_the_best_count(model: LinearClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consistency, "TOP", 2)
    batch, moved = model.distinct(TOKENS), attacked(model, 0.3)
    with torch.no_grad():
        clean = model.score_rows(batch)
        each = kl(clean, model.score_rows(moved))
        found = divergence(model, batch, moved, LABELS)
    counting = [{0, *clean[0].topk(2).indices.tolist()}, {1, 7, *clean[1].topk(2).indices.tolist()}]
    expected = torch.stack([each[row, label] for row in range(2) for label in counting[row]]).sum()
    torch.testing.assert_close(found, expected)
    assert found < each.sum()


def test_a_document_that_no_attack_moves_costs_nothing(model: LinearClassifier) -> None:
    found = divergence(model, model.distinct(TOKENS), attacked(model, 0.0), LABELS)
    torch.testing.assert_close(found, torch.zeros(()), atol=1e-6, rtol=0)


def test_logits_that_are_far_out_have_a_divergence_that_is_finite(model: LinearClassifier) -> None:
    with torch.no_grad():
        model.embedding_table.mul_(1e4)
        assert torch.isfinite(divergence(model, model.distinct(TOKENS), attacked(model, -1e4), LABELS))


def test_the_loss_and_its_gradients_are_those_at_the_step_of_fgsm(model: LinearClassifier) -> None:
    regime = Regime(
        epsilon=1.0, adversarial_weight=0.3, adversarial_share=1.0, adversarial_loss="consistency", squeeze="none"
    )
    mask, targets = TOKENS != PAD, LABELS.targets(LABELS.ids, 8)

    def clean() -> tuple[Tensor, Tensor]:
        logits = model.score(model.embed(TOKENS), mask)
        return logits, functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum") / 2

    probe = torch.zeros(2, 3, 4, requires_grad=True)
    loss = functional.binary_cross_entropy_with_logits(
        model.score(model.embed(TOKENS) + probe, mask), targets, reduction="sum"
    )
    (direction,) = torch.autograd.grad(loss, probe)
    step = adaptive_epsilon(model.distinct(TOKENS), 1.0) * direction.sign() * mask.unsqueeze(-1)
    logits, own = clean()
    chosen = (targets > 0).scatter(1, logits.detach().topk(5).indices, True)
    moved = kl(logits, model.score(model.embed(TOKENS) + step.detach(), mask))
    expected = 0.7 * own + 0.3 * (moved * chosen).sum() / 2
    gradients = torch.autograd.grad(expected, [*model.parameters()])
    found = hybrid_backward(model, TOKENS, LABELS, regime, Reduction("document"))
    torch.testing.assert_close(found, expected.detach())
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad.to_dense(), gradient)


def test_it_is_refused_where_nothing_is_attacked() -> None:
    with pytest.raises(ValueError, match="adversarial_loss: consistency needs an adversarial_weight above 0"):
        Regime(epsilon=0, adversarial_weight=0, adversarial_share=1, adversarial_loss="consistency", squeeze="none")
