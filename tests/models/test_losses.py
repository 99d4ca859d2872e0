import math

import numpy as np
import pytest
import torch

from toys import split_of
from xmlcore.config.params import Loss, Propensity
from xmlcore.data.batches import true_labels
from xmlcore.data.dataset import UNSEEN_LABEL
from xmlcore.models.losses import binary_cross_entropy, label_weights

LOGITS = torch.tensor([[0.0, 2.0, -1.0], [3.0, 0.0, -2.0]])
TARGETS = torch.tensor([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
WEIGHTED = torch.tensor([[4.0, 0.0, 0.0], [0.5, 3.0, 0.0]])
SPLIT = split_of([[1]] * 5, [[0, 1], [0], [0, UNSEEN_LABEL], [0], []])  # the labels have 4, 1 and 0 documents


def by_hand(weighted: torch.Tensor) -> float:
    """The sum over documents and labels of -log of the probability given to the truth, times its weight."""
    return sum(
        (target or 1) * math.log(1 + math.exp(-logit if target else logit))
        for logits, targets in zip(LOGITS.tolist(), weighted.tolist(), strict=True)
        for logit, target in zip(logits, targets, strict=True)
    )


@pytest.mark.parametrize("targets", [TARGETS, WEIGHTED], ids=["plain", "weighted"])
def test_by_hand(targets):
    assert float(binary_cross_entropy(LOGITS, targets)) == pytest.approx(by_hand(targets))


def test_large_logits_stay_finite():
    assert float(binary_cross_entropy(torch.tensor([[1e4, -1e4]]), torch.tensor([[0.0, 1.0]]))) == pytest.approx(2e4)


def test_a_loss_that_asks_for_nothing_weighs_every_label_alike():
    weights = label_weights(Loss(), SPLIT, 3)
    assert weights.dtype == torch.float32
    assert weights.tolist() == [1, 1, 1]


def inverse_propensity(frequency: int, a: float, b: float) -> float:
    return 1 + (math.log(5) - 1) * (b + 1) ** a * math.exp(-a * math.log(frequency + b))


@pytest.mark.parametrize(("a", "b"), [(0.55, 1.5), (0.6, 2.6)])
def test_missing_labels_are_compensated_by_their_propensity(a, b):
    expected = [2 * inverse_propensity(frequency, a, b) - 1 for frequency in (4, 1, 0)]
    weights = label_weights(Loss(propensity=Propensity(a=a, b=b)), SPLIT, 3)
    assert weights.tolist() == pytest.approx(expected)
    assert expected == sorted(expected)


def test_rare_labels_are_balanced_by_their_effective_number_of_documents():
    # (1 - 0.9) / (1 - 0.9^n); a label without any document counts as if it had one
    assert label_weights(Loss(class_balance=0.9), SPLIT, 3).tolist() == pytest.approx([0.1 / (1 - 0.9**4), 1, 1])


def test_both_weights_are_multiplied():
    propensity, balance = Loss(propensity=Propensity()), Loss(class_balance=0.9)
    both = Loss(propensity=Propensity(), class_balance=0.9)
    expected = label_weights(propensity, SPLIT, 3) * label_weights(balance, SPLIT, 3)
    torch.testing.assert_close(label_weights(both, SPLIT, 3), expected)


def test_weights_may_have_a_mean_of_one():
    loss = Loss(propensity=Propensity(), class_balance=0.9)
    plain, scaled = (label_weights(each, SPLIT, 3) for each in (loss, loss.model_copy(update={"mean_one": True})))
    torch.testing.assert_close(scaled, plain / plain.mean())
    assert label_weights(Loss(mean_one=True), SPLIT, 3).tolist() == [1, 1, 1]


def test_the_loss_of_a_constant_is_least_at_the_logit_of_the_share_plus_the_log_of_the_weight():
    split = split_of([[1]] * 8, [[0], [0, 1], [0], [0], [0], [], [1], []])
    shares, weights = torch.tensor([5 / 8, 2 / 8]), torch.tensor([3.0, 0.25])
    labels = true_labels(split, np.arange(8), weights)

    def gradient(logits):
        logits = logits.clone().requires_grad_()
        binary_cross_entropy(logits.expand(8, 2), labels.targets(labels.ids, 2)).backward()
        return logits.grad

    least = torch.log(weights * shares / (1 - shares))
    assert gradient(least).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert gradient(least - 0.1).max() < -0.01
    assert gradient(least + 0.1).min() > 0.01
