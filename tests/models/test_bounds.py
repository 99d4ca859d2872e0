import itertools

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from xmlcore.models.bounds import Box, LinearBounds


def box(seed: int, units: int) -> Box:
    torch.manual_seed(seed)
    low, high = torch.rand(2, 3, units).sort(0).values
    return Box((low + high) / 2, low, high)


def corners(values: Box) -> Tensor:
    """Every corner of every document's box, (2^H, B, H)."""
    sides = itertools.product((values.low, values.high), repeat=values.low.shape[1])
    return torch.stack([torch.stack([side[:, i] for i, side in enumerate(chosen)], 1) for chosen in sides])


@given(st.integers(0, 10**6))
def test_a_linear_layer_reaches_its_bounds_at_corners_and_none_goes_beyond(seed: int) -> None:
    given_box, layer = box(seed, 4), nn.Linear(4, 5)
    found, reached = given_box.through(layer), layer(corners(given_box))
    torch.testing.assert_close(found.low, reached.amin(0))
    torch.testing.assert_close(found.high, reached.amax(0))
    torch.testing.assert_close(found.own, layer(given_box.own))


def test_relu_and_positive_factors_keep_the_order() -> None:
    found = Box(*torch.tensor([[[0.5, -1.0]], [[-1.0, -2.0]], [[2.0, -0.5]]])).relu().scaled(torch.tensor([[2.0, 3.0]]))
    assert [each.tolist() for each in found] == [[[1.0, 0.0]], [[0.0, 0.0]], [[4.0, 0.0]]]


@given(st.integers(0, 10**6))
def test_the_margin_of_two_labels_is_the_least_of_their_difference(seed: int) -> None:
    features, output = box(seed, 4), nn.Linear(4, 6)
    logits = output(corners(features))  # (2^H, B, L)
    documents, labels = torch.tensor([0, 2, 2]), torch.tensor([1, 0, 5])
    others = torch.tensor([[0, 2], [3, 4], [5, 1]])
    own = logits[:, documents, labels][:, :, None]
    expected = (own - logits[:, documents[:, None], others]).amin(0)
    found = LinearBounds(features, output)
    torch.testing.assert_close(found.margins(documents, labels, others), expected)
    apart = found.logits()
    assert (expected >= apart.low[documents, labels][:, None] - apart.high[documents[:, None], others] - 1e-5).all()
    assert (found.magnitude() + 1e-5 >= apart.high.maximum(-apart.low)).all()
