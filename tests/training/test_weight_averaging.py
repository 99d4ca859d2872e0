import pytest
import torch

from toys import LinearClassifier
from xmlcore.training.weight_averaging import WeightAverage


@pytest.fixture
def model() -> LinearClassifier:
    return LinearClassifier([[0.0], [1.0]], [[0.0]])


def biases(model, average, steps_of_epochs):
    """The bias of `average.model` after each step; step n sets the learning one to 2^n."""
    found, steps = [], 0
    for epoch, count in enumerate(steps_of_epochs, start=1):
        for _ in range(count):
            steps += 1
            model.initialise_output(torch.tensor([2.0**steps]))
            average.step(epoch)
            found.append(average.model.bias.item())
    return found


@pytest.mark.parametrize(
    ("start", "every", "expected"),
    [
        (1, 1, [2, 3, 14 / 3, 30 / 4, 62 / 5]),
        (2, 1, [2, 4, 8, 12, 56 / 3]),  # the first two steps are those of epoch 1
        (2, 2, [2, 4, 8, 16, 16]),
        (1, 2, [2, 4, 4, 10, 10]),
        (1, 9, [2, 4, 8, 16, 32]),
    ],
)
def test_the_mean_is_of_every_so_many_steps_from_an_epoch_on(model, start, every, expected):
    assert biases(model, WeightAverage(model, start, every), [2, 3]) == pytest.approx(expected)


def test_from_epoch_0_is_never(model):
    average = WeightAverage(model, 0, 1)
    biases(model, average, [3, 3])
    assert average.model is model


def test_the_model_goes_on_learning_from_its_own_weights(model):
    average = WeightAverage(model, 1, 1)
    biases(model, average, [2])
    assert average.model is not model
    assert model.bias.item() == 4
