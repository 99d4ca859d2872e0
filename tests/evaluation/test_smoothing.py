"""Models made smooth: what is certified holds under changes of the document, and is the same in any order of work."""

import numpy as np
import pytest
import torch
from torch import Tensor

from toys import split_of
from xmlcore.config.architectures import BagOfWordsNetwork
from xmlcore.config.params import Smoothing
from xmlcore.data.tokens import PAD
from xmlcore.defenses.squeezing import squeeze
from xmlcore.evaluation.smoothing import Deletion, Noise, smoothed
from xmlcore.models.base import Classifier
from xmlcore.models.registry import build_model

LABELS, VOCABULARY = 6, 14
SPLIT = split_of(
    [[2 + label] * 20 + [9, 10, 11] for label in range(LABELS)] + [[2]],
    [[label] for label in range(LABELS)] + [[0, 1]],
)
OPTIONS = Smoothing(
    documents=7, copies=400, confidence=0.99, deviation=0.5, sizes=[0.001, 0.5], kept=0.2, words=[1, 15]
)


@pytest.fixture
def model() -> Classifier:
    """Label i where the word 2 + i is."""
    vectors = torch.eye(VOCABULARY)
    vectors[PAD] = 0
    classifier = build_model("bag_of_words", vectors.numpy(), LABELS, BagOfWordsNetwork())
    with torch.no_grad():
        classifier.output.weight.zero_()
        classifier.output.weight[torch.arange(LABELS), 2 + torch.arange(LABELS)] = 10.0
        classifier.output.bias.fill_(-3.0)
    return classifier.eval()


def test_certified_is_at_most_voted_and_falls_with_the_radius(model: Classifier) -> None:
    for found in smoothed(model, SPLIT, OPTIONS, 0).values():
        near, far = found["certified"]
        for key in ("P@1", "P@3", "P@5"):
            assert found["voted"][key] >= near[key] >= far[key]
        assert near["P@1"] > 0.5
        assert far["P@1"] == 0


def test_the_same_seed_gives_the_same_and_another_one_others(model: Classifier) -> None:
    few = OPTIONS.model_copy(update={"copies": 100})
    first, again, other = (smoothed(model, SPLIT, few, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other or first["noise"]["voted"] == other["noise"]["voted"]


def test_a_defended_model_is_smoothed_behind_its_defence(model: Classifier) -> None:
    found = smoothed(squeeze(model, "embeddings", 1), SPLIT, OPTIONS, 0)
    assert found["deletion"]["documents"] == 7


def test_copies_by_deletion_keep_words_in_their_order() -> None:
    seen: list[Tensor] = []
    tokens = torch.arange(2, 12)[None]
    Deletion(0.3, [1]).logits(lambda copies: seen.append(copies), tokens, 50, torch.Generator().manual_seed(0))
    (copies,) = seen
    assert copies.shape == (50, 3)
    assert (copies.diff(dim=1) > 0).all()
    assert {*copies.flatten().tolist()} == {*range(2, 12)}


def test_what_deletion_withstands_is_the_share_of_copies_with_a_changed_word() -> None:
    change = Deletion(0.3, [2]).change(2, 10, 0)  # 3 of 10 words; 56 of the 120 copies have neither of 2
    assert change.least(np.array([1.0])) == pytest.approx(56 / 120)
    assert Deletion(0.5, [9]).change(9, 10, 0).least(np.array([1.0])) == 0


def test_noise_is_as_long_as_it_says_and_one_for_all_documents() -> None:
    class Seen:
        def embed(self, tokens: Tensor) -> Tensor:
            return torch.ones(*tokens.shape, 100)

        def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
            return embeddings

    noise = Noise(0.5, [], norm=3.0)
    copies = noise.logits(Seen(), torch.tensor([[2, 3]]), 500, torch.Generator().manual_seed(0))
    assert (copies - 1).norm(dim=2).square().mean().sqrt() == pytest.approx(1.5, rel=0.01)
    assert noise.change(0.1, 2, 100).least(np.array([0.5])) == pytest.approx(
        0.0023388, rel=1e-3
    )  # ndtr(-0.1 * sqrt(200) / 0.5)
