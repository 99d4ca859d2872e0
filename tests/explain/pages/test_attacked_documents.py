"""Attacked texts explained: which are chosen, and what is said of each."""

import json

import numpy as np
import pytest

from toys import LinearClassifier, split_of
from xmlcore.attacks.words.victim import Victim
from xmlcore.common.errors import UserError
from xmlcore.config.params import Explain
from xmlcore.data.dataset import EncodedCorpus
from xmlcore.data.tokens import Vocabulary
from xmlcore.explain.explainers import METHODS
from xmlcore.explain.pages.attacked_documents import Gallery, chosen_attacks, read_attacks
from xmlcore.models.predictor import Predictor

OPTIONS = Explain(documents=[0], lime={"samples": 200}, shap={"evaluations": 100}, ig={"steps": 10}, study={})
WORDS = ["grain", "rose", "in", "may"]


def attack(document=0, goal="positive", success=True, words=WORDS, **changes):
    row = {
        "document": document,
        "doc_id": f"d{document}",
        "goal": goal,
        "generator": "deletion",
        "labels": ["of grain"],
        "true_labels": ["of grain"],
        "best_before": ["of grain", "of ships"],
        "words": words,
        "changes": [{"position": 0, "word": "grain", "substitute": "ship"}],
        "bin": {"lowest": 1, "highest": 3},
        "ranks_before": [1],
        "ranks_after": [2],
        "best_after": ["of ships", "of grain"],
        "clean": True,
        "success": success,
        "similarity": 0.5,
        "change_rate": 0.2,
        "queries": 7,
    }
    return row | changes


@pytest.fixture(scope="module")
def gallery():
    vocabulary = Vocabulary(["grain", "ship", "rose", "in", "may"])
    test = split_of([vocabulary.encode(WORDS)], [[0]])
    data = EncodedCorpus(vocabulary, ["of grain", "of ships"], "whitespace", 20, splits={"test": test})
    table = np.zeros((7, 2), np.float32)
    table[2:4] = 8 * np.eye(2)
    model = LinearClassifier(table.tolist(), [[1.0, 0.0], [0.0, 1.0]]).eval()
    return Gallery(Victim(model, data, 64), Predictor(model, data, 64), OPTIONS, seed=7)


def test_successes_on_different_documents_short_ones_first_the_goals_in_turn():
    rows = [
        attack(0, "positive", words=["a"] * 9),
        attack(1, "positive", words=["a"] * 3),
        attack(1, "negative", words=["a"] * 3),
        attack(2, "negative", words=["a"] * 5),
        attack(3, "negative", words=["a"] * 2, success=False),
    ]
    assert [row["document"] for row in chosen_attacks(iter(rows), 9)] == [1, 0, 2]
    assert [row["document"] for row in chosen_attacks(iter(rows), 1)] == [1]
    assert chosen_attacks([], 4) == []


def test_both_texts_of_every_label(gallery):
    found = gallery.entries(attack(best_before=["of ships"]))
    assert [entry["label_name"] for entry in found] == ["of grain", "of ships"]
    texts = found[0]["texts"]
    assert texts["original"]["tokens"] == WORDS
    assert texts["attacked"]["tokens"] == ["ship", "rose", "in", "may"]
    assert [text["changed"] for text in texts.values()] == [[0], [0]]
    assert [text["rank"] for text in texts.values()] == [1, 2]
    assert texts["original"]["score"] == pytest.approx(1 / (1 + np.exp(-2)))  # 8 in four words
    for text in texts.values():
        assert [*text["weights"]] == [*METHODS]
        assert all(len(weights) == len(text["tokens"]) for weights in text["weights"].values())
    assert all(np.argmax(weights) == 0 for weights in texts["original"]["weights"].values())


def test_the_best_label_is_not_told_twice(gallery):
    assert [entry["label_name"] for entry in gallery.entries(attack())] == ["of grain"]


def test_a_deleted_word_is_nowhere(gallery):
    deleted = attack(changes=[{"position": 0, "word": "grain", "substitute": ""}])
    texts = gallery.entries(deleted)[0]["texts"]
    assert texts["original"]["changed"] == [0]
    assert texts["attacked"]["tokens"] == WORDS[1:]
    assert texts["attacked"]["changed"] == []


def test_a_text_of_which_nothing_is_left(gallery):
    deleted = attack(words=["grain"], changes=[{"position": 0, "word": "grain", "substitute": ""}])
    texts = gallery.entries(deleted)[0]["texts"]
    assert texts["attacked"]["tokens"] == []
    assert all(weights == [] for weights in texts["attacked"]["weights"].values())


def test_damaged_attacks_are_one_line(tmp_path):
    path = tmp_path / "attacks.jsonl"
    whole = attack()
    path.write_text(json.dumps(whole) + "\n")
    assert read_attacks(path, {"of grain", "of ships"}) == [whole]
    beyond = whole | {"changes": [{"position": 4, "word": "x", "substitute": ""}]}
    for content in ("{", '{"document": 1}', "3", json.dumps(beyond), json.dumps(whole | {"labels": ["of gold"]})):
        path.write_text(content + "\n")
        with pytest.raises(UserError, match=r"attacks\.jsonl: damaged.*run attack_words again"):
            read_attacks(path, {"of grain", "of ships"})
