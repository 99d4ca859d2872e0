import json

import numpy as np
import pytest

from xmlcore.attacks.words.generators.base import Request
from xmlcore.attacks.words.generators.substitutes import StoredSubstitutes
from xmlcore.attacks.words.goals import Target
from xmlcore.attacks.words.substitutes import choose_substitutes, mean_count
from xmlcore.common.errors import UserError
from xmlcore.config.params import Substitutes

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


def test_an_attack_takes_the_stored_substitutes(tmp_path):
    (tmp_path / "substitutes.json").write_text(json.dumps(SETS))
    target = Target(0, "positive", (0,), (True,))
    requests = [Request(["Grain"], 0, target), Request(["gold"], 0, target)]
    assert StoredSubstitutes(tmp_path).propose(requests, 1) == [["ship"], []]


def test_the_mean_count_is_over_all_words():
    assert mean_count(SETS, ["grain", "ship", "gold", "the"]) == 0.75
