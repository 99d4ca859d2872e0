import math

import pytest
import torch

from xmlcore.losses import binary_cross_entropy

LOGITS = torch.tensor([[0.0, 2.0, -1.0], [3.0, 0.0, -2.0]])
TARGETS = torch.tensor([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]])


def by_hand() -> float:
    """The sum over documents and labels of -log of the probability given to the truth."""
    return sum(
        math.log(1 + math.exp(-logit if target else logit))
        for logits, targets in zip(LOGITS.tolist(), TARGETS.tolist(), strict=True)
        for logit, target in zip(logits, targets, strict=True)
    )


@pytest.mark.parametrize(("reduction", "divisor"), [("document", 2), ("element", 2 * 3)])
def test_by_hand(reduction, divisor):
    assert float(binary_cross_entropy(LOGITS, TARGETS, reduction)) == pytest.approx(by_hand() / divisor)


def test_the_reductions_differ_by_the_number_of_labels():
    document, element = (binary_cross_entropy(LOGITS, TARGETS, reduction) for reduction in ("document", "element"))
    assert float(document / element) == pytest.approx(LOGITS.shape[1])


def test_large_logits_stay_finite():
    loss = binary_cross_entropy(torch.tensor([[1e4, -1e4]]), torch.tensor([[0.0, 1.0]]), "document")
    assert float(loss) == pytest.approx(2e4)
