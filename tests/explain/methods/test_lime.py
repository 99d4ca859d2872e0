from dataclasses import asdict

import numpy as np
import pytest

from xmlcore.explain.methods.lime import lime_surrogates

TOKENS = ["profit", "fell", "and", "the", "share", "of", "profit", "fell", "with", "rain"]

BATCH = 16


def explain(tokens, scorer, labels=(0, 1, 2), samples=600, top_tokens=4, seed=(3, 7)):
    return lime_surrogates(tokens, scorer, labels, samples=samples, top_tokens=top_tokens, seed=seed, batch_size=BATCH)


def test_a_score_that_never_changes_has_no_fidelity():
    class Constant:
        def scores(self, documents, labels):
            return np.full((len(documents), len(labels)), 0.3, np.float32)

    assert [found.r2 for found in explain(TOKENS, Constant(), labels=[0, 1])] == [None, None]


def test_recovers_the_weights_of_a_linear_scorer(scorer):
    first, second, _ = explain(TOKENS, scorer)
    assert first.tokens[:3] == ["profit", "share", "rain"]
    assert first.weights[:3] == pytest.approx([0.4, 0.2, -0.1], abs=0.03)
    assert (second.tokens[0], first.score) == ("rain", pytest.approx(0.8))
    assert first.intercept == pytest.approx(0.3, abs=0.03)
    assert first.r2 > 0.98


def test_fidelity_is_low_where_the_scores_are_not_linear():
    class Parity:
        def scores(self, documents, labels):
            return np.array([[len(set(words)) % 2] * len(labels) for words in documents], dtype=np.float32)

    assert explain(TOKENS, Parity(), labels=[0])[0].r2 < 0.3


def test_a_repeated_word_is_one_unit(scorer):
    surrogate = explain(TOKENS, scorer, top_tokens=100)[0]
    assert sorted(surrogate.tokens) == sorted(set(TOKENS))


def test_samples_keep_the_order_of_words_and_the_first_is_the_document():
    seen = []

    class Recorder:
        def scores(self, documents, labels):
            seen.extend(documents)
            return np.zeros((len(documents), len(labels)), dtype=np.float32)

    explain(list("abcdef"), Recorder(), samples=50)
    assert seen[0] == list("abcdef")
    assert len(seen) == 50
    assert all(words == sorted(words) and len(words) < 6 for words in seen[1:])
    assert {len(words) for words in seen} == set(range(7))


def test_asks_in_bounded_batches_for_the_wanted_labels_only(scorer):
    explain(TOKENS, scorer, labels=[2, 0], samples=BATCH + 1)
    assert scorer.asked == [(BATCH, (2, 0)), (1, (2, 0))]


def test_same_seed_same_bits_and_another_document_another_neighbourhood(scorer):
    once, again, other = (explain(TOKENS, scorer, seed=seed)[0] for seed in ((3, 7), (3, 7), (3, 8)))
    assert asdict(once) == asdict(again)
    assert once.weights != other.weights


def test_one_token_and_none(scorer):
    (surrogate,) = explain(["profit"], scorer, labels=[0])
    assert surrogate.tokens == ["profit"]
    assert surrogate.weights[0] > 0
    assert explain([], scorer) == []
