import math

import pytest
import torch
from torch import nn

from xmlcore.data.batches import TrueLabels
from xmlcore.models.aplc.label_clusters import LabelClusters, logit_of_product

FEATURES = 6


def clusters_of(labels: int, shares: list[float] = (0.2, 0.5), factor: float = 2.0) -> LabelClusters:
    """Random clusters in float64 whose labels are ranked out of order."""
    torch.manual_seed(0)
    clusters = LabelClusters(FEATURES, labels, shares, factor).double()
    for parameter in clusters.parameters():
        nn.init.normal_(parameter)
    clusters.arrange(torch.randint(0, 9, (labels,)))
    return clusters


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.fixture
def by_hand() -> LabelClusters:
    """Five labels, ranked 3, 1, 4, 0, 2: 3 and 1 in the head, then a tail of 4 and 0, then one of 2 alone.

    With features (2, 1), bottlenecks (1) and (1): the head's logits are 2, 1, the indicators' 3, -1, the tails' 2, -2
    and 0.5.
    """
    clusters = LabelClusters(2, 5, [0.4, 0.8], 2.0)
    clusters.arrange(torch.tensor([2, 8, 1, 9, 4]))
    with torch.no_grad():
        clusters.output.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [1, 1], [0, -1]]))
        clusters.output.bias.zero_()
        for tail, weights, bias in zip(clusters.tails, ([[2.0], [-2.0]], [[0.0]]), (0.0, 0.5), strict=True):
            tail.narrowing.weight.copy_(torch.tensor([[0.0, 1.0]]))
            tail.output.weight.copy_(torch.tensor(weights))
            tail.output.bias.fill_(bias)
    return clusters


def test_probabilities_by_hand(by_hand):
    assert by_hand.sizes == [2, 2, 1]
    expected = [
        sigmoid(3) * sigmoid(-2),  # label 0, second of the first tail
        sigmoid(1),  # second of the head
        sigmoid(-1) * sigmoid(0.5),  # the second tail
        sigmoid(2),  # first of the head
        sigmoid(3) * sigmoid(2),
    ]
    found = by_hand(torch.tensor([[2.0, 1.0]])).sigmoid()
    torch.testing.assert_close(found, torch.tensor([expected]))


def test_loss_by_hand(by_hand):
    """Label 1 (weight 3) and, of the first tail, 4 (weight 2) and 0: the second tail is not entered."""
    labels = TrueLabels(torch.tensor([[1, 4, 0, -1]]), torch.tensor([[3.0, 2.0, 1.0, 0.0]]))
    head = -math.log(1 - sigmoid(2)) - 3 * math.log(sigmoid(1)) - 2 * math.log(sigmoid(3)) - math.log(1 - sigmoid(-1))
    tail = -2 * math.log(sigmoid(2)) - math.log(sigmoid(-2))
    assert by_hand.loss(torch.tensor([[2.0, 1.0]]), labels).item() == pytest.approx(head + tail)


def test_the_loss_of_a_document_without_labels_is_that_of_the_head(by_hand):
    labels = TrueLabels(torch.empty(1, 0, dtype=torch.long), torch.empty(1, 0))
    head = sum(-math.log(1 - sigmoid(x)) for x in (2, 1, 3, -1))
    assert by_hand.loss(torch.tensor([[2.0, 1.0]]), labels).item() == pytest.approx(head)


def test_the_loss_adds_up_over_documents():
    clusters, features = clusters_of(20), torch.randn(3, FEATURES, dtype=torch.float64)
    labels = TrueLabels(torch.tensor([[0, 7, 19], [3, -1, -1], [-1, -1, -1]]), torch.rand(3, 3))
    each = [clusters.loss(features[i : i + 1], labels.of(slice(i, i + 1))) for i in range(3)]
    torch.testing.assert_close(clusters.loss(features, labels), sum(each))


def test_logits_are_those_of_the_plain_product():
    clusters, features = clusters_of(20), torch.randn(4, FEATURES, dtype=torch.float64)
    head = clusters.output(features).sigmoid()
    plain = [head[:, : clusters.sizes[0]]]
    for k, tail in enumerate(clusters.tails):
        conditional = features @ tail.narrowing.weight.T @ tail.output.weight.T + tail.output.bias
        plain.append(head[:, clusters.sizes[0] + k, None] * conditional.sigmoid())
    torch.testing.assert_close(clusters(features).sigmoid(), torch.cat(plain, 1)[:, clusters.rank])


@pytest.mark.parametrize(("first", "second"), [(-200, -300), (200, 300), (200, -300), (-100, 500), (0, 0)])
def test_the_logit_of_a_product_is_finite_and_exact_at_the_ends(first, second):
    pair = torch.tensor([first, second], dtype=torch.float64).requires_grad_()
    found = logit_of_product(pair[0], pair[1])
    odds_against = sum(math.exp(-x) for x in (first, second, first + second))
    assert found.item() == pytest.approx(-math.log(odds_against))
    assert torch.autograd.grad(found, pair)[0].isfinite().all()


def test_single_precision_keeps_the_order_of_improbable_labels():
    low = logit_of_product(torch.tensor(-40.0), torch.tensor([-60.0, -61.0]))
    assert low.tolist() == [-100, -101]


def test_labels_are_ranked_by_falling_frequency_then_id():
    clusters = LabelClusters(FEATURES, 4, [0.5], 2.0)
    clusters.arrange(torch.tensor([1, 5, 1, 9]))
    assert clusters.rank.tolist() == [2, 1, 3, 0]


@pytest.mark.parametrize(
    ("labels", "sizes"), [(1, [1]), (2, [1, 1]), (3, [1, 1, 1]), (4, [1, 1, 2]), (5, [1, 1, 3]), (10, [2, 3, 5])]
)
def test_few_labels_have_few_clusters(labels, sizes):
    clusters = clusters_of(labels)
    assert clusters.sizes == sizes
    features = torch.randn(2, FEATURES, dtype=torch.float64)
    assert clusters(features).shape == (2, labels)
    true = TrueLabels(torch.tensor([[0], [labels - 1]]), torch.ones(2, 1))
    assert clusters.loss(features, true).isfinite()


def test_each_tail_is_narrower_by_the_factor():
    clusters = LabelClusters(12, 1000, [0.1, 0.2, 0.4], 3.0)
    assert clusters.sizes == [100, 100, 200, 600]
    assert [tail.output.in_features for tail in clusters.tails] == [4, 1, 1]


@pytest.mark.parametrize("asked", [[3, 0], [7], [19, 18, 17, 0, 5], list(range(20))])
def test_narrowed_logits_are_the_full_ones_in_the_asked_order(asked):
    clusters, features = clusters_of(20), torch.randn(3, FEATURES, dtype=torch.float64)
    narrowed = clusters.narrow(torch.tensor(asked))
    torch.testing.assert_close(narrowed(features), clusters(features)[:, asked], rtol=1e-12, atol=0)
    again = narrowed.narrow(torch.tensor([0]))
    torch.testing.assert_close(again(features), clusters(features)[:, asked[:1]], rtol=1e-12, atol=0)
    assert clusters(features).shape == (3, 20)


@pytest.mark.parametrize("labels", [1, 2, 3, 20, 2000])
def test_every_label_begins_at_its_prior(labels):
    clusters = clusters_of(labels)
    prior = torch.randn(labels, dtype=torch.float64) * 3 - 2
    clusters.initialise(prior)
    torch.testing.assert_close(clusters(torch.zeros(1, FEATURES, dtype=torch.float64))[0], prior)


def test_the_prior_of_many_probable_labels_is_finite():
    clusters = LabelClusters(FEATURES, 3000, [0.5], 2.0)
    clusters.initialise(torch.full((3000,), 4.0))
    assert all(parameter.isfinite().all() for parameter in clusters.parameters())
