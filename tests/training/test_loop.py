import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from toys import LinearClassifier, labels_of, split_of
from xmlcore.common.errors import UserError
from xmlcore.config.architectures import XMLCNNNetwork
from xmlcore.config.params import Loss, Propensity, Regime, Training
from xmlcore.data.batches import pad, true_labels
from xmlcore.data.dataset import UNSEEN_LABEL
from xmlcore.data.tokens import PAD
from xmlcore.data.vector_tables import InitialVectors
from xmlcore.models.losses import label_prior, label_weights
from xmlcore.models.xml_cnn.model import XMLCNN
from xmlcore.ranking.predictions import untracked
from xmlcore.training import loop
from xmlcore.training.adversarial import Reduction, hybrid_backward
from xmlcore.training.loop import train
from xmlcore.training.optimiser import Optimisation

CLEAN = Regime(epsilon=0.0, adversarial_weight=0.0, adversarial_share=1.0, squeeze="none")
ADVERSARIAL = Regime(epsilon=1.0, adversarial_weight=0.3, adversarial_share=1.0, squeeze="none")
STABLE = ADVERSARIAL.model_copy(update={"attribution_weight": 0.1})
WORDS = ADVERSARIAL.model_copy(update={"epsilon": 0.0, "attack_space": "words"})
SUBSTITUTES = torch.tensor([[each, each] for each in range(4)] + [[each, 4 + (each - 3) % 6] for each in range(4, 10)])
BCE, PW = Loss(), Loss(propensity=Propensity())
LABELS = 3


@pytest.fixture(autouse=True)
def precision():
    """`train` sets torch's precision of matrix products, which is global."""
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


def options(**changes) -> Training:
    given = {"epochs": 4, "patience": 4, "batch_size": 8, "learning_rate": 0.02, "milestones": [], "gamma": 0.1}
    exact = {"loss_reduction": "document", "prior_bias": True, "shuffle_tokens": False, "refit": False}
    return Training(**(given | exact | {"matmul_precision": "highest"} | changes))


def separable(documents: int, seed: int):
    """Tokens 1, 2, 3 each bring a label, tokens 4 to 9 say nothing."""
    rng = np.random.default_rng(seed)
    labels = [int(rng.integers(LABELS)) for _ in range(documents)]
    texts = [rng.permutation([label + 1, *rng.integers(4, 10, rng.integers(0, 5))]) for label in labels]
    return split_of(texts, [[label] for label in labels])


TRAIN, VALIDATION = separable(48, seed=0), separable(16, seed=1)


def initial_vectors() -> InitialVectors:
    vectors = np.random.default_rng(0).standard_normal((2, 10, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    vectors[:, PAD] = 0
    return InitialVectors(*vectors)


def build(vectors: np.ndarray) -> XMLCNN:
    network = XMLCNNNetwork(windows=[1, 2], filters=8, chunks=1, hidden=16, dropout=0.2)
    return XMLCNN(torch.tensor(vectors), LABELS, network)


def run(
    regime=CLEAN,
    seed=0,
    training=TRAIN,
    validation=VALIDATION,
    build=build,
    loss=BCE,
    substitutes=SUBSTITUTES,
    **changes,
):
    """The outcome of a training, and its log."""
    log = []
    given = options(**changes)
    outcome = train(
        build,
        initial_vectors(),
        training,
        validation,
        options=given,
        regime=regime,
        loss=loss,
        seed=seed,
        log=log.append,
        track=untracked,
        substitutes=substitutes,
    )
    return outcome, log


def weights(outcome):
    return {name: tensor.detach() for name, tensor in outcome.model.state_dict().items()}


def equal(first, second):
    return all(torch.equal(tensor, weights(second)[name]) for name, tensor in weights(first).items())


@pytest.mark.parametrize("regime", [CLEAN, ADVERSARIAL, STABLE, WORDS], ids=["clean", "adversarial", "stable", "words"])
def test_it_learns_a_separable_corpus(regime):
    outcome, log = run(regime, epochs=12, patience=12)
    assert outcome.validation_precision == 1
    assert log[-1].loss < log[0].loss / 4
    assert not outcome.model.training


@pytest.mark.parametrize("regime", [CLEAN, ADVERSARIAL, STABLE, WORDS], ids=["clean", "adversarial", "stable", "words"])
@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("averaging_from", [0, 1])
def test_the_same_seed_gives_the_same_weights_to_the_bit(regime, refit, averaging_from):
    changes = {"refit": refit, "shuffle_tokens": True, "epochs": 2}
    averaging = {"averaging_from": averaging_from, "averaging_steps": 3}
    first, second = (run(regime, **changes, **averaging)[0] for _ in range(2))
    assert equal(first, second)


def test_another_seed_gives_other_weights():
    assert not equal(run(seed=0, epochs=1)[0], run(seed=1, epochs=1)[0])


def test_an_adversarial_weight_of_zero_is_clean_training():
    unweighted = ADVERSARIAL.model_copy(update={"adversarial_weight": 0.0})
    assert equal(run(CLEAN, epochs=2)[0], run(unweighted, epochs=2)[0])
    assert not equal(run(CLEAN, epochs=2)[0], run(ADVERSARIAL, epochs=2)[0])


def batch():
    documents = np.arange(6)
    weights = torch.tensor([1.0, 2.0, 0.5])
    return pad([TRAIN.document(i) for i in documents]), true_labels(TRAIN, documents, weights)


def linear(kind=LinearClassifier) -> LinearClassifier:
    torch.manual_seed(0)
    table = torch.randn(10, 4)
    table[PAD] = 0
    return kind(table.tolist(), torch.randn(4, LABELS).tolist())


def by_hand(model, reduction, regime):
    """Equations 9, 10 and 14 in plain autograd."""
    tokens, labels = batch()
    order = torch.randperm(len(tokens))
    tokens, targets = tokens[order], labels.targets(labels.ids, LABELS)[order]

    def mean(logits, targets):
        weights, truth = torch.where(targets > 0, targets, 1), (targets > 0).to(logits)
        total = functional.binary_cross_entropy_with_logits(logits, truth, weights, reduction="sum")
        return total / (len(logits) if reduction == "document" else logits.numel())

    embeddings, mask = model.embed(tokens), tokens != PAD
    clean = mean(model.score(embeddings, mask), targets)
    attacked = slice(math.ceil(regime.adversarial_share * len(tokens)))
    (gradient,) = torch.autograd.grad(clean, embeddings, retain_graph=True)
    radius = regime.epsilon * embeddings[attacked].detach()[mask[attacked]].norm(dim=1).mean() / 10
    moved = embeddings[attacked] + radius * gradient[attacked].sign() * mask[attacked].unsqueeze(-1)
    adversarial = mean(model.score(moved, mask[attacked]), targets[attacked])
    return (1 - regime.adversarial_weight) * clean + regime.adversarial_weight * adversarial


def xml_cnn() -> XMLCNN:
    torch.manual_seed(0)
    model = build(initial_vectors().selection).eval().double()
    torch.nn.init.normal_(model.kernel)  # so that no two windows tie
    return model


@pytest.mark.parametrize("make", [linear, xml_cnn])
@pytest.mark.parametrize("reduction", ["document", "element"])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.2])
def test_the_hybrid_loss_and_its_gradients_are_equation_14(make, reduction, share):
    regime = ADVERSARIAL.model_copy(update={"adversarial_share": share})
    model = make()
    torch.manual_seed(1)
    expected = by_hand(model, reduction, regime)
    gradients = torch.autograd.grad(expected, [*model.parameters()])
    torch.manual_seed(1)
    assert hybrid_backward(model, *batch(), regime, Reduction(reduction)) == pytest.approx(expected.item())
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad.to_dense(), gradient)


def test_in_time_every_document_of_a_batch_is_attacked():
    attacked = set()

    class Watched(LinearClassifier):
        def score(self, embeddings, mask):
            if len(mask) == 2:  # the clean pass has all eight
                attacked.update(mask.sum(1).tolist())
            return super().score(embeddings, mask)

    model = Watched([[0.0]] + [[1.0]] * 9, [[0.5] * LABELS])
    regime = ADVERSARIAL.model_copy(update={"adversarial_share": 0.25})
    tokens = pad([np.arange(1, 2 + i) for i in range(8)])  # by length, as batches come
    for _ in range(30):
        hybrid_backward(model, tokens, labels_of(*[[]] * 8), regime, Reduction("document"))
    assert attacked == set(range(1, 9))


def test_the_gradients_are_added_to_those_there_are():
    once, twice = linear(), linear()
    for model, times in ((once, 1), (twice, 2)):
        for _ in range(times):
            hybrid_backward(model, *batch(), ADVERSARIAL, Reduction("document"))
    for one, two in zip(once.parameters(), twice.parameters(), strict=True):
        torch.testing.assert_close(2 * one.grad.to_dense(), two.grad.to_dense())


def test_the_hybrid_loss_is_above_the_clean_loss():
    adversarial, clean = (
        hybrid_backward(linear(), *batch(), regime, Reduction("document")) for regime in (ADVERSARIAL, CLEAN)
    )
    assert adversarial > clean


def test_the_loss_reductions_differ_by_the_number_of_labels():
    document, element = (
        hybrid_backward(linear(), *batch(), ADVERSARIAL, Reduction(reduction)) for reduction in ("document", "element")
    )
    assert document / element == pytest.approx(LABELS)


class Scripted(LinearClassifier):
    """Right on validation in the epochs that `right` names, whatever it learns; its bias counts the epochs."""

    def __init__(self, right):
        super().__init__([[0.0]] + [[1.0]] * 9, [[0.0] * LABELS])
        self.right = right
        self.register_buffer("epoch", torch.zeros(1))

    def train(self, mode=True):
        self.epoch += mode
        return super().train(mode)

    def score(self, embeddings, mask):
        logits = super().score(embeddings, mask)
        best = 0 if int(self.epoch) in self.right else 1
        return logits if self.training else functional.one_hot(torch.tensor(best), LABELS).expand(len(mask), -1).float()


ALL_ZERO = split_of([[4]] * 4, [[0]] * 4)


def scripted(*right, **changes):
    return run(build=lambda _: Scripted(right), training=ALL_ZERO, validation=ALL_ZERO, **changes)


def test_training_stops_after_patience_epochs_without_a_better_one():
    outcome, log = scripted(2, epochs=20, patience=3)
    assert [epoch.validation_precision for epoch in log] == [0, 1, 0, 0, 0]
    assert (outcome.epochs, outcome.best_epoch, outcome.validation_precision) == (5, 2, 1)


def test_the_weights_are_those_of_the_best_epoch():
    outcome, _ = scripted(2, 3, epochs=5, patience=5)
    assert outcome.best_epoch == 2  # the first of equals
    assert int(outcome.model.epoch) == 2


@pytest.mark.parametrize(("selection", "best"), [("P@1", 1), ("nDCG@5", 2)])
def test_the_measure_of_selection_chooses_the_epoch(selection, best):
    """The first epoch has one label of each document first; the second has all of them, but not first."""

    class Ranked(LinearClassifier):
        epoch = 0

        def __init__(self):
            super().__init__([[0.0]] + [[1.0]] * 9, [[0.0] * 8])

        def train(self, mode=True):
            self.epoch += mode
            return super().train(mode)

        def score(self, embeddings, mask):
            logits = super().score(embeddings, mask)
            orders = {1: [7.0, 0, 1, 6, 5, 4, 3, 2], 2: [6.0, 5, 4, 3, 2, 1, 0, 7]}
            return logits if self.training else torch.tensor(orders[self.epoch]).expand(len(mask), -1)

    split = split_of([[4]] * 4, [[0, 1, 2]] * 4)
    outcome, _ = run(
        build=lambda _: Ranked(), training=split, validation=split, epochs=2, patience=2, selection=selection
    )
    assert outcome.best_epoch == best
    assert outcome.validation_precision == (best == 1)


@pytest.mark.parametrize("refit", [False, True])
def test_without_epochs_the_model_stays_as_it_is_prepared(refit):
    outcome, log = run(epochs=0, refit=refit)
    expected = build(initial_vectors().refit if refit else initial_vectors().selection)
    assert torch.equal(outcome.model.embedding_table, expected.embedding_table)
    assert outcome.summary()["epochs"] == outcome.summary()["best_epoch"] == 0
    assert outcome.validation.labels.shape == (len(VALIDATION), LABELS)
    assert [epoch.number for epoch in log] == [0] * (1 + refit)


def test_without_epochs_nothing_is_trained_against_attacks():
    with pytest.raises(UserError, match=r"training\.epochs: 0"):
        run(ADVERSARIAL, epochs=0)


def test_all_epochs_run_while_it_grows_better():
    outcome, log = run(epochs=3, patience=3)
    assert (len(log), outcome.epochs) == (3, 3)
    assert [epoch.number for epoch in log] == [1, 2, 3]


def test_refitting_uses_all_documents_for_the_best_number_of_epochs():
    seen = []

    class Counting(Scripted):
        def score(self, embeddings, mask):
            if self.training:
                seen.append(len(mask))
            return super().score(embeddings, mask)

    outcome, log = run(
        build=lambda _: Counting((2,)), training=ALL_ZERO, validation=ALL_ZERO, refit=True, epochs=3, patience=3
    )
    assert seen == [4] * 3 + [8] * 2
    assert [epoch.validation_precision for epoch in log] == [0, 1, 0, None, None]
    assert (outcome.best_epoch, outcome.epochs) == (2, 3)
    assert int(outcome.model.epoch) == 2


class RecordsValidation(LinearClassifier):
    """Remembers the biases that are validated."""

    validated: list[list[float]] = []

    def score(self, embeddings, mask):
        if not self.training:
            self.validated.append(self.bias.tolist())
        return super().score(embeddings, mask)


@pytest.fixture
def learned(monkeypatch):
    """The bias after each step."""
    found = []

    class Recording(Optimisation):
        def __init__(self, model, options):
            super().__init__(model, options)
            self.model = model

        def step(self):
            super().step()
            found.append(self.model.bias.tolist())

    monkeypatch.setattr(loop, "Optimisation", Recording)
    return found


@pytest.mark.parametrize("refit", [False, True])
def test_averaged_weights_are_validated_and_kept(learned, refit):
    RecordsValidation.validated.clear()
    averaging = {"averaging_from": 1, "averaging_steps": 2}
    outcome, _ = run(build=lambda _: linear(RecordsValidation), epochs=1, refit=refit, **averaging)
    steps = len(TRAIN) // 8
    assert RecordsValidation.validated[-1] == pytest.approx(np.mean(learned[1:steps:2], axis=0).tolist())
    last = learned[steps:] if refit else learned
    assert outcome.model.bias.tolist() == pytest.approx(np.mean(last[1::2], axis=0).tolist())


def test_averaging_that_has_not_begun_changes_nothing():
    assert equal(run(epochs=2)[0], run(epochs=2, averaging_from=3)[0])
    assert not equal(run(epochs=2)[0], run(epochs=2, averaging_from=2, averaging_steps=1)[0])


def test_the_learning_rate_falls_after_a_milestone():
    _, log = run(epochs=4, milestones=[1, 3], learning_rate=0.1, gamma=0.5)
    assert [epoch.learning_rate for epoch in log] == pytest.approx([0.1, 0.05, 0.05, 0.025])


def test_the_prior_is_the_logit_of_the_smoothed_share():
    split = split_of([[1]] * 4, [[0], [0, 1], [0], [UNSEEN_LABEL]])
    shares = torch.tensor([3.5, 1.5, 0.5]) / 5
    torch.testing.assert_close(label_prior(split, 3), torch.log(shares / (1 - shares)))


@pytest.mark.parametrize("loss", [BCE, PW], ids=["bce", "pw"])
@pytest.mark.parametrize("prior_bias", [True, False])
def test_the_prior_and_the_log_of_the_weight_begin_the_output_only_if_asked(prior_bias, loss):
    began = []

    class Watched(LinearClassifier):
        def initialise_output(self, prior):
            began.append(prior.tolist())

    run(build=lambda _: Watched([[0.0]] + [[1.0]] * 9, [[0.0] * LABELS]), loss=loss, prior_bias=prior_bias, epochs=1)
    expected = label_prior(TRAIN, LABELS) + label_weights(loss, TRAIN, LABELS).log()
    assert began == ([pytest.approx(expected.tolist())] if prior_bias else [])


def test_labels_are_arranged_before_the_output_begins():
    done = []

    class Watched(LinearClassifier):
        def prepare(self, split, seed, distinct=None):
            done.append((len(split), seed))

        def initialise_output(self, prior):
            done.append("output")

    run(build=lambda _: Watched([[0.0]] + [[1.0]] * 9, [[0.0] * LABELS]), seed=5, refit=True, epochs=1)
    assert done == [(len(TRAIN), 5), "output", (len(TRAIN) + len(VALIDATION), 5), "output"]


def test_a_weighted_loss_is_another_training():
    assert not equal(run(epochs=1)[0], run(loss=PW, epochs=1)[0])


def test_shuffled_tokens_are_the_same_tokens():
    seen = set()

    class Watched(LinearClassifier):
        def distinct(self, tokens):
            if self.training:
                seen.update(tuple(row[row != PAD].tolist()) for row in tokens)
            return super().distinct(tokens)

    text = (4, 5, 6, 7, 8, 9)
    split = split_of([text] * 4, [[0]] * 4)
    arguments = {"build": lambda _: Watched([[0.0]] + [[1.0]] * 9, [[0.0] * LABELS]), "training": split}
    run(**arguments, epochs=1)
    assert seen == {text}
    run(**arguments, epochs=1, shuffle_tokens=True)
    assert len(seen) > 1
    assert {tuple(sorted(row)) for row in seen} == {text}


def test_tokens_are_dropped_in_training_only_if_asked():
    lengths = set()

    class Watched(LinearClassifier):
        def distinct(self, tokens):
            if self.training:
                lengths.update((tokens != PAD).sum(1).tolist())
            return super().distinct(tokens)

    arguments = {
        "build": lambda _: Watched([[0.0]] + [[1.0]] * 9, [[0.0] * LABELS]),
        "training": split_of([list(range(1, 10))] * 8, [[0]] * 8),
    }
    run(**arguments, epochs=1)
    assert lengths == {9}
    run(**arguments, epochs=2, token_dropout=0.4)
    assert len(lengths) > 2


def test_words_are_substituted_in_training_only_if_asked():
    seen = set()

    class Watched(LinearClassifier):
        def distinct(self, tokens):
            if self.training:
                seen.update(tokens.unique().tolist())
            return super().distinct(tokens)

    arguments = {
        "build": lambda _: Watched([[0.0, 0.0]] * 10, [[0.0] * LABELS] * 2),
        "training": split_of([[2, 3, 4]] * 8, [[0]] * 8),
        "validation": split_of([[2, 3]] * 2, [[0]] * 2),
        "substitutes": torch.tensor([[each, each] for each in range(4)] + [[each, 9] for each in range(4, 10)]),
    }
    run(**arguments, epochs=3)
    assert seen == {2, 3, 4}
    run(**arguments, epochs=3, regime=CLEAN.model_copy(update={"word_substitution": 0.9}))
    assert seen == {2, 3, 4, 9}


@pytest.mark.parametrize("regime", [WORDS, CLEAN.model_copy(update={"word_substitution": 0.9})])
def test_a_regime_that_takes_substitutes_is_not_trained_without(regime):
    with pytest.raises(UserError, match="needs substitutes and is given none"):
        run(regime, substitutes=None)


def test_the_summary_is_flat():
    outcome, _ = run(epochs=1)
    parameters = sum(tensor.numel() for tensor in weights(outcome).values())
    assert outcome.summary() == {
        "epochs": 1,
        "best_epoch": 1,
        "validation_P@1": outcome.validation_precision,
        "parameters": parameters,
    }
