import numpy as np
import pytest
import torch

from plain_words import plain_attack
from planted import DECISIVE, FILLERS, VOCABULARY, Listed, encoded, planted_model
from xmlcore.attacks.words.goals import Target
from xmlcore.attacks.words.search import Change, substitute_words
from xmlcore.attacks.words.victim import Victim
from xmlcore.config.architectures import XMLCNNNetwork
from xmlcore.models.registry import build_model


def attack(victim, generator, words, goal="positive", labels=(0,), k=1, max_change=0.25, candidates=48):
    target = Target(0, goal, tuple(labels), (True,) * len(labels))
    (found,) = substitute_words(victim, generator, [(target, words)], k=k, candidates=candidates, max_change=max_change)
    return found


def test_the_planted_word_is_found_with_the_fewest_queries(victim):
    """`grain` decides label 0, `ship` would decide label 1: one query for the document, one for each word that is no
    stop word, one for each substitute of the one word that matters."""
    words = ["the", "filler0", "grain", "filler1", "the", "filler2", "filler3", "filler4"]
    generator = Listed(["filler5", "ship", "the"])
    found = attack(victim, generator, words)
    assert found.success and found.clean
    assert found.changes == [Change(2, "grain", "filler5")]
    assert found.words == [*words[:2], "filler5", *words[3:]]
    assert generator.asked == ["grain"]
    assert found.queries == 1 + 6 + 2
    assert found.ranks_before == [1]
    assert found.change_rate == 1 / 8


def test_a_negative_target_needs_its_own_word(victim):
    words = [*FILLERS[:5], "grain", "grain", "grain"]
    generator = Listed(["trade", "gold"])
    found = attack(victim, generator, words, "negative", [2], k=2)
    assert found.success
    assert [change.substitute for change in found.changes] == ["trade"]
    never = attack(victim, Listed(FILLERS), words, "negative", [2], k=1)
    assert not never.success and never.changes == [] and never.words == words


def test_no_more_words_are_tried_than_may_change(victim):
    words = ["grain"] * 4 + FILLERS[:4]
    generator = Listed(["filler7"])
    found = attack(victim, generator, words, max_change=0.25)
    assert generator.asked == ["grain"] * 2
    assert len(found.changes) == 2 and not found.success
    assert found.change_rate == 0.25
    assert attack(victim, generator, words, max_change=0.5).success


def test_a_label_set_is_aimed_at_together(victim):
    words = ["grain", "grain", "ship", *FILLERS[:5]]
    found = attack(victim, Listed(["gold", "sugar"]), words, labels=[0, 1], k=2, max_change=1.0)
    assert found.success
    assert {0, 1}.isdisjoint(victim.best(found.words, 2))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["grain"], "one word: a tenth of it is none"),
        (["the", "the", "the", "the"], "stop words alone"),
        ([], "no word"),
    ],
)
def test_a_document_that_cannot_be_attacked_is_left_alone(victim, words, reason):
    found = attack(victim, Listed(["gold"]), words, k=6, max_change=0.1)
    assert not found.success and found.changes == [] and found.words == words, reason


def test_a_vocabulary_without_candidates(victim):
    words = ["grain", *FILLERS]
    assert not attack(victim, Listed([]), words).changes
    assert not attack(
        victim,
        Listed(
            [
                "the",
                "GRAIN",
                "...",
            ]
        ),
        words,
    ).changes


def test_a_model_that_is_wrong_before_is_not_attacked(victim):
    generator = Listed(["filler5"])
    found = attack(victim, generator, ["ship", *FILLERS])
    assert not found.clean and not found.success and generator.asked == []
    assert found.queries == 1


def test_a_deleted_word_is_gone(victim):
    words = ["grain", *FILLERS[:6]]
    found = attack(victim, Listed([""]), words)
    assert found.success and found.words == ["", *FILLERS[:6]]
    assert victim.tokens(found.words).tolist() == victim.tokens(words[1:]).tolist()


@pytest.mark.parametrize("goal", ["positive", "negative", "non_targeted"])
@pytest.mark.parametrize("pool", [[*DECISIVE, *FILLERS], [*FILLERS, "", "unheard"]])
def test_it_agrees_with_algorithm_1_as_printed(goal, pool):
    """Of a convolutional network with random weights, on random documents, together and one query at a time."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((len(VOCABULARY), 5)).astype(np.float32)
    vectors[0] = 0
    network = XMLCNNNetwork(windows=[1, 3], filters=6, chunks=2, hidden=8)
    torch.manual_seed(0)
    victim = Victim(build_model("xml_cnn", vectors, len(DECISIVE), network), encoded(), batch_size=5)
    documents = [rng.choice([*DECISIVE, *FILLERS, "the", "unheard"], rng.integers(1, 18)).tolist() for _ in range(30)]
    everything = list(range(len(DECISIVE)))
    targets = []
    for words in documents:
        best = victim.best(words, 6).tolist()
        labels = {"positive": best[1:2], "negative": best[2:3], "non_targeted": best[:2]}[goal]
        targets.append(Target(0, goal, tuple(labels), (True,) * len(labels)))
    found = substitute_words(
        victim, Listed(pool), list(zip(targets, documents, strict=True)), k=2, candidates=48, max_change=0.3
    )
    assert any(each.success for each in found) and not all(each.success for each in found)
    for each, target, words in zip(found, targets, documents, strict=True):
        changed, success, queries = plain_attack(
            words,
            target,
            lambda document: victim.judge(document, everything).scores[0],
            lambda document, position: [word for word in pool if word != document[position]],
            k=2,
            max_change=0.3,
        )
        assert (each.words, each.success, each.queries) == (changed, success, queries)


def test_documents_attacked_together_or_alone_end_the_same():
    model = planted_model()
    words = [["grain", *FILLERS[:3]], ["grain", "ship", "ship"], [*FILLERS, "grain"]]
    targets = [Target(i, "positive", (0,), (True,)) for i in range(3)]
    options = {"k": 2, "candidates": 48, "max_change": 0.5}
    together = substitute_words(
        Victim(model, encoded(), 7), Listed(["gold"]), list(zip(targets, words, strict=True)), **options
    )
    alone = [
        substitute_words(Victim(model, encoded(), 100), Listed(["gold"]), [each], **options)[0]
        for each in zip(targets, words, strict=True)
    ]
    assert [(a.words, a.queries, a.ranks_after) for a in together] == [
        (a.words, a.queries, a.ranks_after) for a in alone
    ]
