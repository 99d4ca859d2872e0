import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from toys import LinearClassifier, labels_of
from xmlcore.attacks.embeddings.fgsm import (
    adaptive_epsilon,
    epsilon_of_size,
    epsilon_or_of_size,
    fgsm_step,
    gradient_sign,
    relative_size,
)
from xmlcore.data.tokens import PAD
from xmlcore.models.token_rows import TokenRows

TABLE = [[0.0, 0.0], [3.0, 4.0], [0.0, 2.0], [1.0, 0.0]]  # norms 0, 5, 2, 1
WEIGHTS = [[2.0, -1.0, 0.5], [-1.0, 3.0, -0.5]]
TOKENS = torch.tensor([[1, 2, 3], [2, PAD, PAD]])
TRUE = labels_of([0], [1])
TARGETS = TRUE.targets(TRUE.ids, 3)
MEAN_NORM = (5 + 2 + 1 + 2) / 4


@pytest.fixture
def model():
    return LinearClassifier(TABLE, WEIGHTS)


def attack(model, epsilon):
    batch = model.distinct(TOKENS)
    return (batch.embeddings() + fgsm_step(batch, gradient_sign(model, batch, TRUE), epsilon)).detach()


@torch.no_grad()
def loss(model, embeddings):
    return float(functional.binary_cross_entropy_with_logits(model.score(embeddings, TOKENS != PAD), TARGETS))


def test_the_radius_is_a_tenth_of_the_mean_norm_of_real_tokens(model):
    radius = adaptive_epsilon(model.distinct(TOKENS), 0.4)
    assert float(radius) == pytest.approx(0.4 * MEAN_NORM / 10)
    assert not radius.requires_grad


@pytest.mark.parametrize("dimension", [2, 300, 4096])
def test_a_corner_lies_as_far_as_its_relative_size(dimension):
    table = torch.randn(4, dimension)
    batch = TokenRows(table, torch.tensor([[1, 2, 3]]))
    norm = table[1:].norm(dim=1).mean()
    moved = fgsm_step(batch, torch.ones(1, 3, dimension), 0.1).norm(dim=2)
    torch.testing.assert_close(moved / norm, torch.full((1, 3), relative_size(0.1, dimension)))
    assert epsilon_of_size(relative_size(0.1, dimension), dimension) == pytest.approx(0.1)
    assert epsilon_or_of_size(0.1, 0.0, dimension) == 0.1
    assert epsilon_or_of_size(0.2, relative_size(0.1, dimension), dimension) == pytest.approx(0.1)


def test_one_step_along_the_known_sign(model):
    embeddings = model.embed(TOKENS).detach()
    # d loss / d embedding = weights @ (sigmoid(logits) - targets) / tokens of the document
    errors = model.score(embeddings, TOKENS != PAD).sigmoid() - TARGETS
    sign = (errors @ torch.tensor(WEIGHTS).T).sign().detach()
    assert sign.tolist() == [[-1.0, 1.0], [1.0, -1.0]]
    expected = embeddings + 0.4 * MEAN_NORM / 10 * sign[:, None] * (TOKENS != PAD)[:, :, None]
    torch.testing.assert_close(attack(model, 0.4), expected)


def test_padding_never_moves():
    class ReadsPadding(LinearClassifier):
        def score(self, embeddings, mask):
            return super().score(embeddings, torch.ones_like(mask))

    assert not attack(ReadsPadding(TABLE, WEIGHTS), 10.0)[TOKENS == PAD].any()


def test_epsilon_zero_is_identity(model):
    assert torch.equal(attack(model, 0.0), model.embed(TOKENS))


def test_the_attack_leaves_the_gradients_of_the_parameters_alone(model):
    attack(model, 0.1)
    assert all(parameter.grad is None for parameter in model.parameters())
    model(TOKENS).sum().backward()
    before = [parameter.grad.to_dense().clone() for parameter in model.parameters()]
    attack(model, 0.1)
    assert all(torch.equal(a, p.grad.to_dense()) for a, p in zip(before, model.parameters(), strict=True))


def test_the_step_itself_is_constant_to_autograd(model):
    rows, index = model.distinct(TOKENS)
    batch = TokenRows(rows.detach().requires_grad_(), index)
    attacked = batch.embeddings() + fgsm_step(batch, gradient_sign(model, batch, TRUE), 0.1)
    (gradient,) = torch.autograd.grad(attacked[batch.mask].sum(), batch.rows)
    assert gradient[:, 0].tolist() == index.flatten().bincount().where(torch.arange(len(rows)) > 0, 0).tolist()


def test_it_attacks_where_gradients_are_switched_off(model):
    with torch.no_grad():
        sign = gradient_sign(model, model.distinct(TOKENS), TRUE)
    assert sign[TOKENS != PAD].abs().all()


def test_positions_of_one_token_are_moved_one_by_one():
    class LastCounts(LinearClassifier):
        def score(self, embeddings, mask):
            last = torch.arange(mask.shape[1]) == mask.sum(1, keepdim=True) - 1
            return super().score(embeddings * torch.where(last, 1.0, -1.0).unsqueeze(-1), mask)

    model = LastCounts(TABLE, WEIGHTS)
    batch = model.distinct(torch.tensor([[1, 1]]))
    (first, last) = gradient_sign(model, batch, TRUE.of(slice(1)))[0]
    assert first.all()
    assert torch.equal(first, -last)


@given(st.lists(st.floats(0, 20), min_size=2, max_size=5))
def test_a_convex_loss_never_falls_as_epsilon_grows(epsilons):
    model = LinearClassifier(TABLE, WEIGHTS)
    losses = [loss(model, attack(model, epsilon)) for epsilon in [0.0, *sorted(epsilons)]]
    assert all(later >= earlier - 1e-6 for earlier, later in zip(losses, losses[1:], strict=False))


def test_random_signs_of_the_same_size_are_weaker(model):
    radius = adaptive_epsilon(model.distinct(TOKENS), 2.0)
    mask = (TOKENS != PAD)[:, :, None]
    generator = torch.Generator().manual_seed(0)
    attacked = loss(model, attack(model, 2.0))
    for _ in range(20):
        signs = torch.randint(0, 2, (*TOKENS.shape, 2), generator=generator) * 2 - 1
        assert loss(model, model.embed(TOKENS) + radius * signs * mask) <= attacked + 1e-6
