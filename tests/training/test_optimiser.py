import pytest
import torch

from toys import LinearClassifier
from xmlcore.config.params import Training
from xmlcore.data.tokens import PAD
from xmlcore.training.optimiser import Optimisation

LABELS = 2


def model() -> LinearClassifier:
    return LinearClassifier([[0.0]] + [[1.0]] * 5, [[1.0] * LABELS])


def stepped(model, tokens, steps=1, scale=1.0, **options):
    """How far each parameter goes in `steps` steps along the gradient of the sum of the logits times `scale`."""
    optimisation = Optimisation(model, Training(**options))
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    for _ in range(steps):
        model.zero_grad()
        (scale * model(torch.tensor(tokens)).sum()).backward()
        optimisation.step()
    return {name: before[name] - parameter.detach() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("sparse", [False, True])
def test_a_sparse_table_moves_only_at_the_tokens_of_the_batch(sparse):
    toy = model()
    optimisation = Optimisation(toy, Training(learning_rate=0.1, sparse_embedding=sparse))
    moved = []
    for tokens in ([[2, 3]], [[4, PAD]]):
        before = toy.embedding_table.detach().clone()
        toy.zero_grad()
        toy(torch.tensor(tokens)).sum().backward()
        optimisation.step()
        moved.append((toy.embedding_table != before).flatten().nonzero().flatten().tolist())
    assert moved == [[2, 3], [4] if sparse else [2, 3, 4]]  # Adam's momentum carries rows on


@pytest.mark.parametrize("sparse", [False, True])
def test_the_first_step_of_adam_has_the_size_of_the_rate(sparse):
    moved = stepped(model(), [[1, 2]], learning_rate=0.01, output_learning_rate=0.3, sparse_embedding=sparse)
    assert moved["embedding.weight"].flatten().tolist() == pytest.approx([0, 0.01, 0.01, 0, 0, 0])
    for name in ("weights", "bias"):
        assert moved[name].flatten().tolist() == pytest.approx([0.3] * LABELS, rel=1e-4)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_frozen_table_stays(sparse):
    moved = stepped(model(), [[1, 2]], sparse_embedding=sparse, freeze_embedding=True)
    assert not moved["embedding.weight"].any()
    assert moved["weights"].all()


@pytest.mark.parametrize("sparse", [False, True])
def test_a_gradient_is_at_most_so_many_times_the_longest_of_the_last_five(sparse):
    toy = model()
    rates = {"learning_rate": 1e-9, "output_learning_rate": 1e-9}
    optimisation = Optimisation(toy, Training(gradient_clip=2.0, sparse_embedding=sparse, **rates))
    lengths = []
    for scale in (0.01, 0.02, 0.01, 0.01, 0.01, 10.0, 0.01):
        toy.zero_grad()
        (scale * toy(torch.tensor([[1, 2]])).sum()).backward()
        optimisation.step()
        lengths.append(torch.nn.utils.get_total_norm([each.grad.to_dense() for each in toy.parameters()]).item())
    whole = lengths[0] / 0.01
    assert [length / whole for length in lengths] == pytest.approx([0.01, 0.02, 0.01, 0.01, 0.01, 2 * 0.02, 0.01])


def test_with_an_epsilon_small_gradients_of_the_output_make_small_steps():
    options = {"learning_rate": 0.01, "output_learning_rate": 0.01}
    drift = stepped(model(), [[1]], scale=1e-5, output_epsilon=1e-8, **options)["bias"][0].item()
    damped = stepped(model(), [[1]], scale=1e-5, output_epsilon=1e-3, **options)["bias"][0].item()
    assert drift == pytest.approx(0.01, rel=0.01)
    assert damped == pytest.approx(0.01 * 1e-5 / 1e-3, rel=0.02)


@pytest.mark.parametrize("sparse", [False, True])
def test_all_rates_fall_after_a_milestone(sparse):
    toy = model()
    rates = {"learning_rate": 0.1, "output_learning_rate": 0.2, "milestones": [1], "gamma": 0.5}
    optimisation = Optimisation(toy, Training(sparse_embedding=sparse, **rates))
    assert optimisation.learning_rate == 0.1
    optimisation.step()
    optimisation.end_epoch()
    assert optimisation.learning_rate == 0.05
    before = {name: parameter.detach().clone() for name, parameter in toy.named_parameters()}
    toy(torch.tensor([[1]])).sum().backward()
    optimisation.step()
    assert (before["embedding.weight"] - toy.embedding_table)[1].item() == pytest.approx(0.05)
    assert (before["bias"] - toy.bias)[0].item() == pytest.approx(0.1, rel=1e-4)
