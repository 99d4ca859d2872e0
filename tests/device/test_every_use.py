"""Nothing is left on the CPU where models compute on another device, for every architecture and every use of one."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import small_checkpoint
from small_architectures import ARCHITECTURES, LABELS, SPLIT
from toys import split_of
from xmlcore.attacks.words.generators.base import Request
from xmlcore.attacks.words.generators.gradient import Gradient
from xmlcore.attacks.words.generators.masked_lm import MaskedLMGenerator
from xmlcore.attacks.words.goals import Target
from xmlcore.attacks.words.language_model import masked_accuracy, train_masked_lm, write_masked_lm
from xmlcore.attacks.words.search import substitute_words
from xmlcore.attacks.words.victim import Victim
from xmlcore.common import checkpoints
from xmlcore.common.checkpoints import Checkpoint
from xmlcore.common.device import CPU
from xmlcore.config import architectures
from xmlcore.config.params import Cascade, Embedding, Explain, Loss, MaskedLM, Regime, Robustness, Smoothing, Training
from xmlcore.config.schema import Section
from xmlcore.data.batches import pad, true_labels
from xmlcore.data.dataset import EncodedCorpus
from xmlcore.data.document_vectors import document_vectors
from xmlcore.data.pretrained import piece_vectors
from xmlcore.data.tokens import Vocabulary
from xmlcore.data.vector_tables import InitialVectors
from xmlcore.defenses.squeezing import squeeze
from xmlcore.evaluation.attack_suite import Models, attack_embeddings
from xmlcore.evaluation.certification import certification
from xmlcore.evaluation.fgsm_sweep import Setting, fgsm_sweep
from xmlcore.evaluation.smoothing import smoothed
from xmlcore.evaluation.worst_case import worst_case
from xmlcore.explain.documents import Document, Prediction
from xmlcore.explain.study.study import Study
from xmlcore.models.base import Classifier
from xmlcore.models.registry import build_model, load_model, save_model
from xmlcore.ranking.calibration import Calibration, Thresholds
from xmlcore.ranking.predictions import predict, untracked
from xmlcore.serving.model_folder import Defence, StoredModel
from xmlcore.serving.text_classifier import TextClassifier
from xmlcore.training.adversarial import Reduction, hybrid_backward
from xmlcore.training.certified import WorstCase, certified_backward
from xmlcore.training.loop import Epoch, train

WORDS = [f"w{i}" for i in range(14)]
TEXT = "w1 w2 w3 w2 w4 w5"
CORPUS = EncodedCorpus(Vocabulary(WORDS), [f"L{i}" for i in range(LABELS)], "whitespace", 20, splits={"test": SPLIT})
CLEAN = Regime(epsilon=0.0, adversarial_weight=0.0, adversarial_share=1.0, squeeze="none")
HARDENED = Regime(
    epsilon=0.5,
    adversarial_weight=0.3,
    adversarial_share=0.5,
    attribution_weight=0.1,
    word_substitution=0.2,
    squeeze="none",
)
SUBSTITUTES = torch.stack([torch.arange(16), torch.tensor([0, *range(2, 16), 1])], 1)  # each token's is the next one
OPTIONS = {"epochs": 2, "batch_size": 4, "averaging_from": 1, "averaging_steps": 1, "matmul_precision": "highest"}
NAME = os.environ.get("XMLCORE_TEST_DEVICE", "pretended:0")  # or a real one, such as cuda:0
if NAME.startswith("pretended"):
    import pretended_device  # noqa: F401, which makes it known to torch
DEVICE = torch.device(NAME)
BOTH = (CPU, DEVICE)

Recipe = tuple[str, Section]


WAITS = {  # at most, of a training step that is clean, and of one that is adversarial
    "xml_cnn": (0, 1),  # FGSM's mean over the real tokens
    "attention_xml": (0, 1),
    "attention_xml_tree": (6, 13),  # nodes that fill up a family do not count
    "bag_of_words": (0, 1),
    "mach": (0, 1),
    "mach_attention_xml": (0, 1),
    "mach_aplc_xlnet": (0, 1),
    "mach_xml_cnn": (0, 1),
    "aplc_xlnet": (2, 5),  # documents that have labels of a tail
    "aplc_bert": (3, 7),
    "sentence_encoder": (1, 3),  # what a body asks of its mask
    "ensemble": (5, 11),
    "ensemble_with_ridge": (0, 1),
    "wide_and_deep": (0, 1),
    "wide_and_deep_attention_xml": (0, 1),
}


def of_every_architecture(*quick: str) -> pytest.MarkDecorator:
    """Run a test for all architectures, those that are not `quick` in `make test-all` alone: the device is slow."""
    marks = {name: () if name in quick else (pytest.mark.slow,) for name in ARCHITECTURES}
    return pytest.mark.parametrize("recipe", [pytest.param(name, marks=marks[name]) for name in marks], indirect=True)


@pytest.fixture
def recipe(request: pytest.FixtureRequest) -> Recipe:
    architecture, network = ARCHITECTURES[request.param]
    return architecture, architectures.ARCHITECTURES[architecture].network.model_validate(network)


@pytest.fixture
def models(recipe: Recipe, tmp_path: Path) -> list[Classifier]:
    """One stored model, on the CPU and on the device."""
    architecture, network = recipe
    torch.manual_seed(0)
    model = build_model(architecture, table(), LABELS, network)
    model.prepare(SPLIT, seed=0)
    for parameter in model.output_parameters:
        torch.nn.init.normal_(parameter, std=0.5)
    save_model(tmp_path, model, *recipe)
    return [load_model(tmp_path, device) for device in BOTH]


def table() -> np.ndarray:
    vectors = np.random.default_rng(0).standard_normal((16, 6)).astype(np.float32)
    vectors[0] = 0
    return vectors


def trained(recipe: Recipe, device: torch.device, regime: Regime = HARDENED, **changes: Any) -> Classifier:
    architecture, network = recipe
    others = {"track": untracked, "checkpoint": None, "log": lambda epoch: None}
    others |= {name: changes.pop(name) for name in [*others] if name in changes}
    return train(
        lambda vectors: build_model(architecture, vectors, LABELS, network),
        InitialVectors(table(), table()),
        SPLIT,
        SPLIT,
        options=Training(**OPTIONS | changes),
        regime=regime,
        loss=Loss(propensity={}),
        seed=3,
        device=device,
        substitutes=SUBSTITUTES,
        **others,
    ).model


def assert_equal_weights(one: Classifier, other: Classifier) -> None:
    for (name, here), there in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(there.cpu(), here.cpu(), atol=2e-3, rtol=1e-3, msg=name)


@of_every_architecture("xml_cnn", "attention_xml", "aplc_bert", "mach")
def test_training_gives_the_same_weights(recipe: Recipe) -> None:
    here, there = (trained(recipe, device) for device in BOTH)
    assert (here.device, there.device) == BOTH
    assert_equal_weights(here, there)


@of_every_architecture("bag_of_words")
def test_so_does_a_training_in_parts_that_moves_some_rows(recipe: Recipe) -> None:
    changes = {"micro_batches": 2, "sparse_embedding": True, "refit": False}
    assert_equal_weights(*(trained(recipe, device, **changes) for device in BOTH))


@of_every_architecture("xml_cnn", "bag_of_words")
def test_and_one_against_attacks_on_words(recipe: Recipe) -> None:
    regime = Regime(epsilon=0.0, adversarial_weight=0.5, adversarial_share=0.5, attack_space="words", squeeze="none")
    assert_equal_weights(*(trained(recipe, device, regime, refit=False) for device in BOTH))


@of_every_architecture("bag_of_words")
def test_and_one_up_the_margin(recipe: Recipe) -> None:
    regime = Regime(
        epsilon=0.1,
        adversarial_weight=0.5,
        adversarial_share=0.5,
        attack_objective="margin",
        attack_steps=2,
        squeeze="none",
    )
    assert_equal_weights(*(trained(recipe, device, regime, refit=False) for device in BOTH))


@pytest.fixture
def precision_as_before() -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


@of_every_architecture("xml_cnn", "attention_xml")
def test_training_in_bfloat16_keeps_losses_and_weights_in_float32(recipe: Recipe, precision_as_before: None) -> None:
    logged: list[Epoch] = []
    model = trained(recipe, DEVICE, matmul_precision="medium", epochs=1, refit=False, log=logged.append)
    assert {tensor.dtype for tensor in model.state_dict().values()} <= {torch.float32, torch.int64}
    assert all(tensor.isfinite().all() for tensor in model.state_dict().values())
    exact: list[Epoch] = []
    trained(recipe, CPU, epochs=1, refit=False, log=exact.append)
    assert logged[0].loss == pytest.approx(exact[0].loss, rel=0.02)
    assert logged[0].loss != exact[0].loss


def test_a_training_goes_on_from_where_it_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(Exception):
        pass

    def killing(batches: Any, description: str, total: int | None = None) -> Any:
        if "2/" in description:
            raise Killed
        return batches

    monkeypatch.setattr(checkpoints, "SHARE", float("inf"))
    recipe = "bag_of_words", architectures.BagOfWordsNetwork(dropout=0.3)
    stored = Checkpoint(tmp_path / "training", "mine")
    with pytest.raises(Killed):
        trained(recipe, DEVICE, track=killing, checkpoint=stored)
    assert_equal_weights(trained(recipe, DEVICE, checkpoint=stored), trained(recipe, CPU))


@of_every_architecture("xml_cnn", "bag_of_words", "aplc_bert")
def test_it_predicts_and_is_attacked_on_its_embeddings(models: list[Classifier]) -> None:
    options = Robustness(documents=2, epsilon=0.1, epsilons=[0.1], steps=5, restarts=1, noise=1)
    found = []
    for model in models:
        best = predict(model, SPLIT, 5)
        sweep = fgsm_sweep(model, SPLIT, epsilons=[0.5], settings=[Setting("both", "aware")], bits=4)
        squeezed = squeeze(model, "embeddings", 4)
        suite = attack_embeddings(Models(squeezed, model, [model]), SPLIT, options, 0)
        worst = worst_case(
            [squeezed, model], SPLIT, epsilon=0.01, options=Cascade(documents=4, steps=2, queries=2), seed=1
        )
        found.append((best.scores, [each.metrics["P@1"] for each in sweep], suite.clean, [*worst["P@1"].values()]))
    for here, there in zip(*found, strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("recipe", ["xml_cnn"], indirect=True)
def test_training_for_certificates(models: list[Classifier]) -> None:
    tokens, labels = pad([SPLIT.document(i) for i in range(4)]), true_labels(SPLIT, np.arange(4))
    found = []
    for model in models:
        torch.manual_seed(0)
        worst_case = WorstCase(SUBSTITUTES, weight=0.5, radius=0.5)
        loss = certified_backward(model.train(), tokens, labels, worst_case, Reduction("document"))
        found.append((loss.cpu(), model.embedding_table.grad.cpu()))
    for here, there in zip(*found, strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-6)


@of_every_architecture("xml_cnn", "bag_of_words")
def test_it_is_certified(models: list[Classifier]) -> None:
    here, there = (certification(model, SPLIT, SUBSTITUTES, steps=2, max_change=0.3) for model in models)
    assert here == there


@of_every_architecture("bag_of_words")
def test_random_copies_vote(models: list[Classifier]) -> None:
    options = Smoothing(documents=2, copies=100)
    here, there = (smoothed(model, SPLIT, options, 0) for model in models)
    assert here == there


@of_every_architecture("xml_cnn", "bag_of_words")
def test_it_is_explained_and_attacked_word_by_word(models: list[Classifier]) -> None:
    options = Explain(
        documents=[0],
        lime={"samples": 20},
        shap={"evaluations": 20},
        ig={"steps": 5},
        study={"documents": 2, "draws": 1, "beam": 1},
    )
    document = Document(0, "d", TEXT, ("L3",), (Prediction(3, "L3", 0.9), Prediction(5, "L5", 0.1)))
    words, target = TEXT.split(), Target(0, "positive", (3, 5), (True, True))
    found = []
    for model in models:
        studied = Study(model, CORPUS, options, 0.1, 7).examine(document)
        victim = Victim(model, CORPUS, 7)
        in_place = victim.judge_substitutes(words, [0, 2, 2], ["w7", "w8", "w9"], [3, 5])
        copies = victim.judge_substitutes(words, [0, 2, 2], ["", "w8", "w9"], [3, 5])
        (attack,) = substitute_words(victim, Gradient(victim), [(target, words)], k=3, candidates=3, max_change=0.5)
        weights = [[*of_method.values()] for of_method in studied.weights.values()]
        found.append((in_place.scores, copies.scores, victim.best(words, 2), attack.ranks_after, *weights))
    for here, there in zip(*found, strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("recipe", ["bag_of_words"], indirect=True)
def test_texts_of_ones_own(models: list[Classifier]) -> None:
    calibration = Calibration(temperature=1.5, thresholds=Thresholds(micro_f1=0.5, macro_f1=[0.5] * LABELS))
    found = []
    for model in models:
        stored = StoredModel(model, Defence(squeeze="both"), CORPUS, calibration, "")
        classifier = TextClassifier(stored)
        attacks = [classifier.attack(TEXT, k=2, substitutes=name) for name in ("gradient", "neighbours", "deletion")]
        found.append(
            (
                [label.probability for label in classifier.predict(TEXT)],
                classifier.predict_proba([TEXT, "w3"]),
                [each.similarity for each in attacks],
                [weight for _, weight in classifier.explain(TEXT, method="ig").weights],
            )
        )
    for here, there in zip(*found, strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-3, atol=1e-5)


def test_a_frozen_encoder_reads_documents(tmp_path: Path) -> None:
    options = Embedding(kind="checkpoint", checkpoint=small_checkpoint.write_checkpoint(tmp_path), layers=2)
    table, _ = piece_vectors(options.checkpoint, small_checkpoint.CORPUS.vocabulary)
    here, there = (document_vectors(small_checkpoint.CORPUS, table, options, device, untracked) for device in BOTH)
    np.testing.assert_allclose(there, here, atol=0.02)  # bfloat16 on the device, and on some processors


def test_a_masked_language_model_learns_and_proposes(tmp_path: Path) -> None:
    options = MaskedLM(width=16, layers=1, heads=2, window=8, epochs=1, batch_size=16)
    split = split_of([[2 + i % 5, 7 + i % 5] * (1 + i % 4) for i in range(40)], [[0]] * 40)
    found = []
    for device in BOTH:
        model, loss = train_masked_lm(split, CORPUS.vocabulary, options, 7, untracked, device=device)
        assert model.device == device
        found.append((loss, masked_accuracy(model, split, len(CORPUS.vocabulary), options, 0)))
        write_masked_lm(model, CORPUS, tmp_path)
    assert found[1] == pytest.approx(found[0], rel=1e-3)
    request = Request(TEXT.split(), 1, Target(0, "positive", (3,), (True,)))
    here, there = (MaskedLMGenerator(str(tmp_path), device=device).propose([request], 3) for device in BOTH)
    assert here == there and len(here[0]) == 3


@of_every_architecture(*ARCHITECTURES)
@pytest.mark.skipif(not NAME.startswith("pretended"), reason="a real device does not count its waits")
def test_a_step_waits_no_more_than_it_must(request: pytest.FixtureRequest, recipe: Recipe) -> None:
    from pretended_device import waits

    model = build_model(recipe[0], table(), LABELS, recipe[1])
    model.prepare(SPLIT, seed=0)
    model.to(DEVICE).train()
    found = []
    for regime in (CLEAN, HARDENED.model_copy(update={"attribution_weight": 0.0})):
        tokens, labels = pad([SPLIT.document(i) for i in range(4)]), true_labels(SPLIT, np.arange(4))
        torch.manual_seed(0)
        waits.clear()
        hybrid_backward(model, tokens, labels, regime, Reduction("document"))
        found.append(waits.total())
    assert tuple(found) == WAITS[request.node.callspec.params["recipe"]]
