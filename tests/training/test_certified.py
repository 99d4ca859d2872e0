import pytest
import torch
from test_loop import BCE, CLEAN, LABELS, TRAIN, VALIDATION, build, initial_vectors, options
from torch.nn import functional

from toys import LinearClassifier, labels_of
from xmlcore.common.errors import UserError
from xmlcore.config.architectures import BagOfWordsNetwork, XMLCNNNetwork
from xmlcore.config.params import Regime
from xmlcore.models import base
from xmlcore.models.bag_of_words import BagOfWords
from xmlcore.models.xml_cnn.model import XMLCNN
from xmlcore.ranking.certificates import certified_hits
from xmlcore.ranking.predictions import untracked
from xmlcore.training.adversarial import Reduction
from xmlcore.training.certified import WorstCase, certified_backward
from xmlcore.training.loop import train

CERTIFIED = CLEAN.model_copy(update={"certified_weight": 0.5, "warmup": 2})
# Tokens 1 to 3, which bring the labels, and 4 to 9, which say nothing, become one another in pairs.
SUBSTITUTES = torch.tensor([[0, 0], [1, 4], [2, 5], [3, 6], [4, 7], [5, 8], [6, 9], [7, 4], [8, 5], [9, 6]])
SUM = Reduction("document")


def run(regime: Regime = CERTIFIED, substitutes=SUBSTITUTES, build=build, **changes):
    log = []
    outcome = train(
        build,
        initial_vectors(),
        TRAIN,
        VALIDATION,
        options=options(**changes),
        regime=regime,
        loss=BCE,
        seed=0,
        log=log.append,
        track=untracked,
        substitutes=substitutes,
    )
    return outcome, log


@pytest.fixture(autouse=True)
def precision():
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


def test_weight_and_radius_rise_together_and_stay() -> None:
    regime = CERTIFIED.model_copy(update={"warmup": 4})
    worst = [WorstCase.after(epochs, SUBSTITUTES, regime) for epochs in (0.0, 1.0, 4.0, 9.5)]
    assert [(each.weight, each.radius) for each in worst] == [(0.0, 0.0), (0.125, 0.25), (0.5, 1.0), (0.5, 1.0)]
    at_once = WorstCase.after(0.1, SUBSTITUTES, CERTIFIED.model_copy(update={"warmup": 0}))
    assert (at_once.weight, at_once.radius) == (0.5, 1.0)


def test_the_loss_is_that_of_the_worst_logits_of_each_label() -> None:
    torch.manual_seed(0)
    model = XMLCNN(torch.randn(10, 4), LABELS, XMLCNNNetwork(windows=[1, 2], filters=4, hidden=6)).eval()
    tokens, labels = torch.tensor([[1, 2, 3], [4, 5, 0]]), labels_of([0], [1, 2])
    with torch.no_grad():
        own, low, high = model.bounds(model.distinct_with_substitutes(tokens, SUBSTITUTES), 0.5).logits()
    targets = torch.tensor([[1.0, 0, 0], [0, 1, 1]])
    worst = torch.where(targets > 0, low, high)
    parts = (functional.binary_cross_entropy_with_logits(each, targets, reduction="sum") for each in (own, worst))
    expected = sum(weight * part.item() for weight, part in zip((0.7, 0.3), parts, strict=True)) / 2
    found = certified_backward(model, tokens, labels, WorstCase(SUBSTITUTES, 0.3, 0.5), SUM)
    assert found.item() == pytest.approx(expected)
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("kind", [XMLCNN, BagOfWords])
def test_of_many_labels_those_are_bounded_that_are_true_or_rank_high(monkeypatch, kind) -> None:
    monkeypatch.setattr(base, "BOUNDED", 3)
    torch.manual_seed(0)
    network = XMLCNNNetwork(windows=[1, 2], filters=4, hidden=6) if kind is XMLCNN else BagOfWordsNetwork()
    model = kind(torch.randn(10, 4), 6, network).eval()
    model.output.bias.data = torch.tensor([0.0, 0, 0, 5, -5, -5])
    tokens, labels = torch.tensor([[1, 2, 3], [4, 5, 0]]), labels_of([0], [1])
    batch = model.distinct_with_substitutes(tokens, SUBSTITUTES)
    own, low, high = model.bounds(batch, 0.5).logits()
    targets = torch.eye(6)[:2]
    bounded = torch.tensor([True, True, False, True, False, False])
    worst = torch.where(bounded, torch.where(targets > 0, low, high), own)
    for found, logits in zip(model.losses_within(batch, labels, 0.5), (own, worst), strict=True):
        expected = functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
        torch.testing.assert_close(found, expected)


def test_without_a_weight_the_gradients_are_those_of_clean_training() -> None:
    torch.manual_seed(0)
    model = XMLCNN(torch.randn(10, 4), LABELS, XMLCNNNetwork(windows=[1, 2], filters=4, hidden=6)).eval()
    tokens, labels = torch.tensor([[1, 2, 3], [4, 5, 0]]), labels_of([0], [1, 2])
    SUM.of(model.loss(model.distinct(tokens), labels), 2, model).backward()
    expected = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    certified_backward(model, tokens, labels, WorstCase(SUBSTITUTES, 0.0, 1.0), SUM)
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_certified_training_certifies_more_than_clean_training_and_the_same_each_time() -> None:
    apart = torch.arange(10).repeat(2, 1).t().contiguous()
    apart[4:, 1] = SUBSTITUTES[4:, 1]  # what brings the labels has no substitutes
    clean, _ = run(CLEAN, None, epochs=6, patience=6)
    proven, log = run(CERTIFIED, apart, epochs=6, patience=6)
    found = [certified_hits(each.model, VALIDATION, apart)[:, 0].mean() for each in (clean, proven)]
    assert found[0] < found[1] and found[1] > 0.8
    again, other_log = run(CERTIFIED, apart, epochs=6, patience=6)
    assert log == other_log
    assert [each.certified_precision is not None for each in log] == [False] + [True] * 5
    for one, other in zip(proven.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_no_epoch_of_the_warm_up_is_chosen_and_patience_begins_after_it() -> None:
    regime = CERTIFIED.model_copy(update={"warmup": 3})
    outcome, log = run(regime, epochs=5, patience=1, learning_rate=1e-9)
    assert outcome.best_epoch == 3 and len(log) == 4
    third, fourth = ((each.validation_precision + each.certified_precision) / 2 for each in log[2:])
    assert fourth <= third


def test_a_warm_up_that_outlasts_the_training_is_refused() -> None:
    with pytest.raises(UserError, match="training.epochs: 1, in which the regime's warmup, 2, is not over"):
        run(epochs=1)


def test_an_architecture_without_bounds_is_refused() -> None:
    def linear(table):
        return LinearClassifier(table.tolist(), [[0.0] * LABELS] * table.shape[1])

    with pytest.raises(UserError, match="certified_weight: this architecture has no bounds"):
        run(build=linear)


def test_what_a_regime_cannot_be() -> None:
    for changes, named in (
        ({"adversarial_weight": 0.3}, "certified_weight"),
        ({"certified_weight": 0.0}, "warmup"),
    ):
        with pytest.raises(ValueError, match=named):
            Regime.model_validate(CERTIFIED.model_dump() | changes)
