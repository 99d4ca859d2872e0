import json

import numpy as np
import pytest
import torch
from planted import VOCABULARY

from xmlcore.attacks.words.generators.base import Request
from xmlcore.attacks.words.generators.substitutes import StoredSubstitutes
from xmlcore.attacks.words.goals import Target
from xmlcore.attacks.words.substitutes import (
    choose_substitutes,
    load_table,
    mean_count,
    read_substitutes,
    table_of_substitutes,
    write_substitutes,
)
from xmlcore.common.errors import UserError
from xmlcore.config.params import Substitutes
from xmlcore.data.tokens import Vocabulary

SETS = {"grain": ["ship", "gold"], "ship": ["grain"]}


def test_neighbours_are_the_nearest_words_above_a_cosine(language, tmp_path):
    found = choose_substitutes(language, tmp_path, Substitutes(count=3, cosine=0.5))
    vectors = language.vectors[2:]
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-8)
    cosine = directions @ directions.T
    words = language.vocabulary.tokens[2:]
    assert found
    for word, row in zip(words, cosine, strict=True):
        others = {other: value for other, value in zip(words, row, strict=True) if other != word and value >= 0.5}
        near = found.get(word, [])
        assert len(set(near)) == len(near)
        np.testing.assert_allclose([others[other] for other in near], sorted(others.values())[::-1][:3], rtol=1e-5)


def test_synonyms_are_words_of_the_corpus(language, tmp_path):
    (tmp_path / "synonyms.txt").write_text("grain unheard\ngrain ship\ngrain gold\n")
    chosen = Substitutes(kind="synonyms", count=1)
    assert choose_substitutes(language, tmp_path, chosen) == {"grain": ["ship"], "ship": ["grain"], "gold": ["grain"]}
    with pytest.raises(UserError, match="no list of synonyms"):
        choose_substitutes(language, tmp_path / "none", chosen)


def test_what_is_stored_is_read_as_ids_with_the_token_first(tmp_path):
    write_substitutes(tmp_path, SETS)
    assert read_substitutes(tmp_path) == SETS
    table = load_table(tmp_path, VOCABULARY)
    grain, ship, gold = VOCABULARY.encode(["grain", "ship", "gold"])
    assert table[grain].tolist() == [grain, ship, gold] and table[ship].tolist() == [ship, grain, ship]
    others = torch.tensor([i for i in range(len(VOCABULARY)) if i not in (grain, ship)])
    assert torch.equal(table[others], others[:, None].expand(-1, 3))


def test_a_corpus_without_substitutes_has_each_token_alone():
    assert table_of_substitutes({}, VOCABULARY).tolist() == [[i] for i in range(len(VOCABULARY))]


def test_a_model_that_does_not_know_the_words_is_refused():
    with pytest.raises(UserError, match="'ship' or one of its substitutes is not in the vocabulary"):
        table_of_substitutes({"ship": ["grain"]}, Vocabulary(["grain"]))


@pytest.mark.parametrize(
    "content",
    [
        '{"grain": ["ship"',
        "[]",
        '{"grain": []}',
        '{"grain": ["grain"]}',
        '{"grain": ["ship", "ship"]}',
        '{"grain": [3]}',
        '{"grain": "ship"}',
    ],
)
def test_damaged_substitutes_are_refused(tmp_path, content):
    (tmp_path / "substitutes.json").write_text(content)
    with pytest.raises(UserError, match=r"substitutes\.json: damaged.*run choose_substitutes again"):
        read_substitutes(tmp_path)


def test_missing_substitutes_say_where_they_come_from(tmp_path):
    with pytest.raises(UserError, match=r"substitutes\.corpora"):
        read_substitutes(tmp_path)


def test_an_attack_takes_the_stored_substitutes(tmp_path):
    (tmp_path / "substitutes.json").write_text(json.dumps(SETS))
    target = Target(0, "positive", (0,), (True,))
    requests = [Request(["Grain"], 0, target), Request(["gold"], 0, target)]
    assert StoredSubstitutes(tmp_path).propose(requests, 1) == [["ship"], []]


def test_the_mean_count_is_over_all_words():
    assert mean_count(SETS, ["grain", "ship", "gold", "the"]) == 0.75
