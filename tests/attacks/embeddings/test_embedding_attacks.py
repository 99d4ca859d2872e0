"""Balls, objectives and projected gradient descent, where the right answer is known."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from toys import LinearClassifier, random_xml_cnn
from xmlcore.attacks.embeddings.balls import L2, LInfinity, l2_of_equal_norm
from xmlcore.attacks.embeddings.documents import Documents, Iterate
from xmlcore.attacks.embeddings.objectives import cross_entropy, margin, top_margin
from xmlcore.attacks.embeddings.pgd import pgd, strongest
from xmlcore.data.batches import pad, true_labels

MASK = torch.tensor([[True, True, False], [True, False, False]])


def perturbation(seed: int, size: float) -> torch.Tensor:
    return size * torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(seed)) * MASK.unsqueeze(-1)


def norms(ball, moved):
    return moved.abs().amax((1, 2)) if isinstance(ball, LInfinity) else moved.flatten(1).norm(dim=1)


def radii(ball):
    return torch.full((2,), ball.radius) if isinstance(ball, LInfinity) else ball.radii.flatten()


@pytest.mark.parametrize("ball", [LInfinity(0.5), l2_of_equal_norm(0.5, MASK, 4)], ids=["linf", "l2"])
@given(seed=st.integers(0, 1000), size=st.floats(0.01, 100))
def test_a_projection_is_within_the_ball_and_leaves_what_is_there(ball, seed, size):
    moved = perturbation(seed, size)
    projected = ball.project(moved)
    assert (norms(ball, projected) <= radii(ball) * (1 + 1e-6)).all()
    torch.testing.assert_close(ball.project(projected), projected)
    inside = norms(ball, moved) <= radii(ball)
    assert ball.contains(projected).all()
    assert not ball.contains(moved * 1.01)[~inside].any()
    assert torch.equal(projected[inside], moved[inside])


@pytest.mark.parametrize("ball", [LInfinity(0.5), l2_of_equal_norm(0.5, MASK, 4)], ids=["linf", "l2"])
def test_nothing_in_the_ball_goes_farther(ball):
    direction = perturbation(0, 1.0)
    farthest = (ball.farthest(direction) * direction).sum((1, 2))
    for seed in range(1, 50):
        other = (ball.project(perturbation(seed, 5.0)) * direction).sum((1, 2))
        assert (other <= farthest + 1e-5).all()
    assert not ball.farthest(torch.zeros(2, 3, 4)).any()


def test_fgsm_s_corner_lies_on_the_l2_ball_of_equal_norm():
    corner = LInfinity(0.5).farthest(perturbation(0, 1.0))
    torch.testing.assert_close(l2_of_equal_norm(0.5, MASK, 4).radii.flatten(), corner.flatten(1).norm(dim=1))


@pytest.mark.parametrize("ball", [LInfinity(0.5), l2_of_equal_norm(0.5, MASK, 4)], ids=["linf", "l2"])
def test_noise_is_as_large_as_the_ball_and_spares_the_padding(ball):
    noise = ball.noise(MASK, 4, torch.Generator().manual_seed(3))
    torch.testing.assert_close(norms(ball, noise), radii(ball))
    assert not noise[~MASK].any()
    assert torch.equal(noise, ball.noise(MASK, 4, torch.Generator().manual_seed(3)))


def test_objectives_by_hand():
    logits = torch.tensor([[3.0, 1.0, 2.0, -1.0], [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0]])
    targets = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    assert margin(logits, targets).tolist() == [2.0 - 3.0, 3.0, -3.0]
    assert top_margin(logits, targets).tolist() == [0.5 - 2.0, 1.5, -1.5]
    expected = functional.binary_cross_entropy_with_logits(logits[0], targets[0], reduction="sum")
    torch.testing.assert_close(cross_entropy(logits, targets)[0], expected)


def test_the_margin_tells_whether_the_best_label_is_wrong():
    logits = torch.randn(200, 7, generator=torch.Generator().manual_seed(0))
    targets = (torch.rand(200, 7, generator=torch.Generator().manual_seed(1)) < 0.4).float()
    targets[:, 0] = 1
    wrong = targets.gather(1, logits.argmax(1, keepdim=True))[:, 0] == 0
    assert torch.equal(margin(logits, targets) > 0, wrong)


def linear():
    """A model with the loss of one document known in closed form: logit = mean embedding @ weights."""
    return LinearClassifier([[0.0, 0.0], [3.0, 4.0], [1.0, -1.0]], [[2.0], [-1.0]])


def on_linear(ball, steps=8, start=None):
    model, tokens = linear(), torch.tensor([[1, 2]])
    embeddings = model.embed(tokens).detach()
    mask, targets = tokens != 0, torch.ones(1, 1)
    return embeddings, [
        *pgd(
            Documents(model, embeddings, mask, targets),
            ball=ball,
            objective=cross_entropy,
            steps=steps,
            step_size=0.25,
            start=start,
        )
    ]


def test_pgd_finds_the_optimum_of_a_linear_model_in_both_balls():
    embeddings, iterates = on_linear(LInfinity(0.3))
    corner = torch.tensor([-1.0, 1.0]) * 0.3  # against the weights: the label is true
    torch.testing.assert_close(iterates[-1].perturbation, corner.expand(1, 2, 2))
    logit = embeddings[0].mean(0) @ torch.tensor([2.0, -1.0])
    torch.testing.assert_close(iterates[-1].logits[0, 0], logit - 0.3 * 3)
    ball = l2_of_equal_norm(0.3, torch.ones(1, 2, dtype=torch.bool), 2)
    _, iterates = on_linear(ball)
    steepest = torch.tensor([-2.0, 1.0]).expand(1, 2, 2) / math.sqrt(10) * 0.6  # radius 0.3 * sqrt(2 tokens * 2)
    torch.testing.assert_close(iterates[-1].perturbation, steepest)


def test_fewer_steps_are_a_beginning_of_more():
    _, longer = on_linear(LInfinity(0.3), steps=6)
    _, shorter = on_linear(LInfinity(0.3), steps=2)
    assert len(shorter) == 3
    assert all(torch.equal(a.perturbation, b.perturbation) for a, b in zip(shorter, longer, strict=False))
    assert not longer[0].perturbation.any()


def test_it_begins_where_it_is_told_to_and_leaves_the_parameters_alone():
    start = torch.tensor([[[0.1, 0.2], [-0.1, 0.0]]])
    model = linear()
    _, iterates = on_linear(LInfinity(0.3), steps=1, start=start)
    assert torch.equal(iterates[0].perturbation, start)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_it_raises_the_loss_of_a_network_step_by_step_within_the_ball_and_never_moves_padding():
    model, split = random_xml_cnn(6)
    documents = torch.arange(8).numpy()
    tokens = pad([split.document(i) for i in documents])
    labels = true_labels(split, documents)
    embeddings, mask = model.embed(tokens).detach(), tokens != 0
    targets = labels.targets(labels.ids, 6)
    iterates = [
        *pgd(
            Documents(model, embeddings, mask, targets),
            ball=LInfinity(0.1),
            objective=cross_entropy,
            steps=10,
            step_size=0.25,
        )
    ]
    totals = [float(each.objective.sum()) for each in iterates]
    assert totals[-1] > totals[4] > totals[1] > totals[0]
    assert all(float(each.perturbation.abs().max()) <= 0.1 + 1e-7 for each in iterates)
    assert not any(each.perturbation[~mask].any() for each in iterates)
    with torch.no_grad():
        torch.testing.assert_close(model.score(embeddings + iterates[-1].perturbation, mask), iterates[-1].logits)


def test_the_strongest_is_chosen_for_each_document_by_itself():
    def iterate(marks, values):
        moved = torch.tensor(marks).view(2, 1, 1)
        return Iterate(moved, torch.zeros(2, 1), torch.tensor(values))

    found = strongest(iter([iterate([1.0, 1.0], [0.0, 5.0]), iterate([2.0, 2.0], [1.0, 4.0])]))
    assert found.flatten().tolist() == [2.0, 1.0]


def test_a_vanishing_gradient_moves_nothing():
    ball = L2(torch.full((1, 1, 1), 1e9))
    assert torch.equal(ball.farthest(torch.zeros(1, 2, 2)), torch.zeros(1, 2, 2))
