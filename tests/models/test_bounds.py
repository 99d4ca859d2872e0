import itertools

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from xmlcore.models.bounds import Box, TwoLayerBounds


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


def bounds(seed: int) -> TwoLayerBounds:
    inputs, hidden, output = box(seed, 4), nn.Linear(4, 5), nn.Linear(5, 6)
    units = inputs.through(hidden)
    return TwoLayerBounds(inputs, hidden, units, units.relu(), output)


@given(st.integers(0, 10**6))
def test_the_margin_of_two_labels_is_the_least_of_their_difference(seed: int) -> None:
    found = bounds(seed)
    logits = found.output(corners(found.features))  # (2^H, B, L)
    documents, labels = torch.tensor([0, 2, 2]), torch.tensor([1, 0, 5])
    others = torch.tensor([[0, 2], [3, 4], [5, 1]])
    own = logits[:, documents, labels][:, :, None]
    expected = (own - logits[:, documents[:, None], others]).amin(0)
    torch.testing.assert_close(found.margins(documents, labels, others), expected)
    apart = found.logits()
    assert (expected >= apart.low[documents, labels][:, None] - apart.high[documents[:, None], others] - 1e-5).all()
    assert (found.magnitude() + 1e-5 >= apart.high.maximum(-apart.low)).all()


@given(st.integers(0, 10**6))
def test_close_margins_hold_and_are_exact_where_no_unit_changes_its_side(seed: int) -> None:
    found = bounds(seed)
    documents, labels, others = torch.tensor([0, 2, 2, 1]), torch.tensor([1, 0, 5, 3]), torch.tensor([0, 3, 4, 2])
    points = found.inputs.low + torch.rand(200, *found.inputs.low.shape) * (found.inputs.high - found.inputs.low)
    points = torch.cat([points, corners(found.inputs)])
    logits = found.output(found.hidden(points).relu())
    margins = logits[:, documents, labels] - logits[:, documents, others]
    close = found.close_margins(documents, labels, others)
    assert (close <= margins.amin(0) + 1e-5).all()
    settled = ((found.units.low >= 0) | (found.units.high <= 0)).all(1)[documents]
    torch.testing.assert_close(close[settled], margins.amin(0)[settled])


def test_units_that_move_alike_are_counted_once() -> None:
    """The label gains 2 x and the other x: each for itself they overlap, and so do units within a box."""
    inputs = Box(*torch.tensor([[[2.0]], [[1.0]], [[3.0]]]))
    hidden, output = nn.Linear(1, 2), nn.Linear(2, 2)
    hidden.weight.data, hidden.bias.data = torch.tensor([[2.0], [1.0]]), torch.zeros(2)
    output.weight.data, output.bias.data = torch.eye(2), torch.zeros(2)
    units = inputs.through(hidden)
    found = TwoLayerBounds(inputs, hidden, units, units.relu(), output)
    assert found.margins(torch.tensor([0]), torch.tensor([0]), torch.tensor([[1]])).item() == -1
    assert found.close_margins(*torch.tensor([[0], [0], [1]])).item() == 1
