"""Automatic steps, the nearest perturbation and random search, where the right answer is known."""

import math

import pytest
import torch

from toys import LinearClassifier, random_xml_cnn
from xmlcore.attacks.embeddings.auto_pgd import auto_pgd, checkpoints
from xmlcore.attacks.embeddings.balls import LInfinity, l2_of_equal_norm
from xmlcore.attacks.embeddings.documents import Documents
from xmlcore.attacks.embeddings.fab import OVERSHOOT, fab
from xmlcore.attacks.embeddings.objectives import cross_entropy, margin
from xmlcore.attacks.embeddings.pgd import pgd
from xmlcore.attacks.embeddings.square import square
from xmlcore.data.batches import pad, true_labels

WEIGHTS = [[2.0, 0.5], [-1.0, 1.0]]


def linear() -> Documents:
    """Two documents of a model whose logits are the mean embedding times `WEIGHTS`; the first label is true."""
    model, tokens = LinearClassifier([[0.0, 0.0], [3.0, 4.0], [3.0, -1.0]], WEIGHTS), torch.tensor([[2, 2], [2, 0]])
    return Documents(model, model.embed(tokens).detach(), tokens != 0, torch.tensor([[1.0, 0.0]] * 2))


@pytest.fixture(scope="module")
def network() -> Documents:
    model, split = random_xml_cnn(6)
    documents = torch.arange(30).numpy()
    tokens, labels = pad([split.document(i) for i in documents]), true_labels(split, documents)
    targets = labels.targets(labels.ids, 6)
    known = targets.any(1)
    return Documents(model, model.embed(tokens).detach(), tokens != 0, targets).of(known)


def attacks(documents: Documents, ball: LInfinity) -> dict:
    generator = torch.Generator().manual_seed(3)
    return {
        "pgd": [*pgd(documents, ball=ball, objective=margin, steps=20, step_size=0.25)],
        "auto_pgd": [*auto_pgd(documents, ball=ball, objective=margin, steps=20)],
        "square": [*square(documents, ball=ball, queries=40, generator=generator)],
    }


def best(iterates) -> torch.Tensor:
    return torch.stack([each.objective for each in iterates]).amax(0)


def test_automatic_steps_reach_the_corner_of_a_linear_model_in_both_balls():
    documents = linear()
    against = torch.tensor([[-1.0, 1.0]]) * 0.3  # of the margin, label 1 over label 0
    *_, last = auto_pgd(documents, ball=LInfinity(0.3), objective=margin, steps=10)
    torch.testing.assert_close(last.perturbation[0], against.expand(2, 2))
    torch.testing.assert_close(last.perturbation[1], torch.stack([against[0], torch.zeros(2)]))
    *_, last = auto_pgd(documents, ball=l2_of_equal_norm(0.3, documents.mask, 2), objective=margin, steps=40)
    steepest = torch.tensor([-1.5, 2.0]) / 2.5
    torch.testing.assert_close(last.perturbation[1, 0], steepest * 0.3 * math.sqrt(2), rtol=1e-3, atol=1e-3)


def test_the_checkpoints_of_the_paper_come_ever_closer():
    found = sorted(checkpoints(100))
    assert found[:5] == [22, 41, 57, 70, 80]
    assert [b - a for a, b in zip(found, found[1:], strict=False)][-2:] == [6, 6]
    assert max(checkpoints(5)) <= 5


def test_the_nearest_perturbation_of_a_linear_model_in_one_step():
    documents = linear()
    start, first, *_ = fab(documents, steps=5)
    by_token = torch.tensor([2.0, 1.0])[:, None, None]  # each token of the first document counts half
    gradient = torch.tensor([-1.5, 2.0]) / by_token * documents.mask.unsqueeze(-1)
    nearest = -start.objective / gradient.abs().sum((1, 2))
    torch.testing.assert_close(first.perturbation, OVERSHOOT * nearest[:, None, None] * gradient.sign())
    assert (first.objective > 0).all()


def test_the_nearest_perturbation_of_a_network_is_less_than_what_a_wide_ball_takes(network):
    """It fells every document that PGD in a wide ball fells, and goes less far."""
    ball = LInfinity(2.0)
    iterates = [*fab(network, steps=30)]
    sizes = [each.perturbation.abs().amax((1, 2)).where(each.objective > 0, torch.inf) for each in iterates]
    nearest = torch.stack(sizes).amin(0)
    felled = best(attacks(network, ball)["pgd"]) > 0
    assert felled.sum() > 10
    assert (nearest[felled] < ball.radius).float().mean() > 0.9
    assert not any(each.perturbation[~network.mask].any() for each in iterates)


@pytest.mark.parametrize("radius", [0.05, 0.2])
def test_all_stay_in_the_ball_spare_the_padding_and_report_what_the_model_says(network, radius):
    ball = LInfinity(radius)
    for iterates in attacks(network, ball).values():
        for each in iterates:
            assert ball.contains(each.perturbation).all()
            assert not each.perturbation[~network.mask].any()
            torch.testing.assert_close(network.moved(each.perturbation, margin).logits, each.logits)


def test_automatic_steps_find_at_least_what_fixed_ones_find_and_random_search_less(network):
    found = {name: best(iterates) for name, iterates in attacks(network, LInfinity(0.2)).items()}
    assert found["auto_pgd"].mean() > found["pgd"].mean() - 0.01
    start = network.moved(torch.zeros_like(network.embeddings), margin).objective
    assert start.mean() < found["square"].mean() < found["auto_pgd"].mean()


def test_random_search_never_goes_back(network):
    generator = torch.Generator().manual_seed(3)
    longer = [*square(network, ball=LInfinity(0.2), queries=60, generator=generator)]
    assert len(longer) == 60
    assert best(longer).mean() > best(longer[:5]).mean()


def test_fewer_steps_of_the_same_schedule_are_a_beginning(network):
    one, two = (
        [*auto_pgd(network, ball=LInfinity(0.2), objective=cross_entropy, steps=8, start=start)]
        for start in (None, torch.zeros_like(network.embeddings))
    )
    assert all(torch.equal(a.perturbation, b.perturbation) for a, b in zip(one, two, strict=True))
    assert len(one) == 9
