import gzip

import numpy as np
import pytest
import torch

from planted import DECISIVE, FILLERS, VOCABULARY, encoded, options
from xmlcore.attacks.words.generators.base import Request
from xmlcore.attacks.words.generators.choice import load_generators
from xmlcore.attacks.words.generators.deletion import Deletion
from xmlcore.attacks.words.generators.gradient import Gradient
from xmlcore.attacks.words.generators.neighbours import Neighbours
from xmlcore.attacks.words.generators.substitutes import StoredSubstitutes
from xmlcore.attacks.words.generators.synonyms import Synonyms
from xmlcore.attacks.words.goals import Target
from xmlcore.attacks.words.victim import Victim
from xmlcore.common.errors import UserError
from xmlcore.config.architectures import XMLCNNNetwork
from xmlcore.data.substitutes import write_substitutes
from xmlcore.models.registry import build_model


def request(word, goal="positive", label=0):
    return Request(["filler0", word, "filler2"], 1, Target(0, goal, (label,), (True,)))


def test_neighbours_come_by_cosine_and_leave_the_word_out(language):
    (found, few, unheard) = Neighbours(language).propose([request(w) for w in ("filler0", "ship", "unheard")], 4)
    assert found[0] == "filler1" and len(found) == 4 and "filler0" not in found
    directions = language.vectors / np.maximum(np.linalg.norm(language.vectors, axis=1, keepdims=True), 1e-8)
    cosine = directions[2:] @ directions[VOCABULARY.encode(["ship"])[0]]
    expected = [VOCABULARY.tokens[2 + i] for i in np.argsort(-cosine)]
    assert few == [word for word in expected if word != "ship"][:4]
    assert unheard == []


def test_more_neighbours_than_there_are(language):
    (found,) = Neighbours(language).propose([request("ship")], 500)
    assert set(found) == set(VOCABULARY.tokens[2:]) - {"ship"}


def test_synonyms_without_antonyms(tmp_path):
    with gzip.open(tmp_path / "some_synonyms.txt.gz", "wt") as file:
        file.write("grain corn\nGrain  wheat\ngrain grain\nup down\nrise up\n")
    (tmp_path / "some_antonyms.txt").write_text("down up\n")
    generator = Synonyms(tmp_path)
    words = ("grain", "corn", "up", "down", "Rise", "unheard")
    assert generator.propose([request(word) for word in words], 48) == [
        ["corn", "wheat"],
        ["grain"],
        ["rise"],
        [],
        ["up"],
        [],
    ]
    assert generator.propose([request("grain")], 1) == [["corn"]]
    assert Synonyms(tmp_path / "some_synonyms.txt.gz").propose([request("up")], 48) == [["down", "rise"]]


def test_a_line_that_is_no_pair_is_named(tmp_path):
    (tmp_path / "synonyms.txt").write_text("grain corn\ngrain corn wheat\n")
    with pytest.raises(UserError, match="synonyms.txt:2: 3 words where a pair is expected"):
        Synonyms(tmp_path)
    (tmp_path / "none" / "synonyms").mkdir(parents=True)
    with pytest.raises(UserError, match="`lexicons`"):
        Synonyms(tmp_path / "none")


def test_the_gradient_finds_the_word_that_changes_most(victim):
    """The model is linear, so that the first order is all there is."""
    generator = Gradient(victim)
    (found,) = generator.propose([request("grain", "negative", 3)], 3)
    assert found[0] == "gold"
    (found,) = generator.propose([request("grain")], 20)
    assert found[-1] == "grain" and set(found) == {*DECISIVE, *FILLERS}


@pytest.mark.parametrize("goal", ["positive", "negative"])
def test_the_gradient_is_that_of_the_word_s_place(goal):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((len(VOCABULARY), 5)).astype(np.float32)
    vectors[0] = 0
    model = build_model("xml_cnn", vectors, 6, XMLCNNNetwork(windows=[1, 3], filters=6, chunks=2, hidden=8))
    victim = Victim(model, encoded(), 7)
    words = ["grain", "ship", "grain", "gold", "grain"]
    target = Target(0, goal, (1, 2), (True, True))
    found = Gradient(victim)._preferences(Request(words, 2, target))
    embeddings = model.embed(torch.from_numpy(victim.tokens(words))[None]).detach().requires_grad_()
    model.score(embeddings, torch.ones(1, 5, dtype=torch.bool))[0, [1, 2]].sum().backward()
    torch.testing.assert_close(found, model.embedding_table.detach() @ (target.direction * embeddings.grad[0, 2]))


def test_generators_are_chosen_by_name(victim, language, tmp_path):
    names = ["deletion", "substitutes", "gradient", "neighbours"]
    write_substitutes(tmp_path, {"grain": ["ship"]})
    found = load_generators(options(generators=names), victim, language, tmp_path, tmp_path, tmp_path)
    assert [type(each) for each in found.values()] == [Deletion, StoredSubstitutes, Gradient, Neighbours]
    assert list(found) == names
    assert found["deletion"].propose([request("grain")], 48) == [[""]]
    with pytest.raises(UserError):
        load_generators(options(generators=["synonyms"]), victim, language, tmp_path, tmp_path, tmp_path)
