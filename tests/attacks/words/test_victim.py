from dataclasses import replace

import numpy as np
import pytest
import torch

from planted import DECISIVE, FILLERS, VOCABULARY, encoded, planted_model
from xmlcore.attacks.words.victim import MASK, Victim, is_substitutable
from xmlcore.data.tokens import UNK, Vocabulary


def test_scores_and_ranks_by_hand(victim):
    found = victim.judge(["grain", "grain", "ship", "filler0"], [0, 1, 2])
    np.testing.assert_allclose(found.scores, [[0.5, 0.251, 0.002]], rtol=1e-5)
    assert found.ranks.tolist() == [[1, 2, 6]]


def test_copies_are_the_documents_they_stand_for(victim):
    """In place or copy by copy, more than a batch of them, with words that the vocabulary lacks and words deleted."""
    words = ["grain", "filler0", "ship", "unheard", "gold"]
    positions = [0, 1, 2, 3, 4, 0, 1, 2, 3]
    for substitutes in ([*DECISIVE, *FILLERS[:3]], ["", *DECISIVE, "", "unheard"]):
        found = victim.judge_substitutes(words, positions, substitutes, [0, 3])
        for i, (position, substitute) in enumerate(zip(positions, substitutes, strict=True)):
            alone = victim.judge([*words[:position], substitute, *words[position + 1 :]], [0, 3])
            np.testing.assert_allclose(found.scores[i], alone.scores[0], atol=1e-6)
            assert found.ranks[i].tolist() == alone.ranks[0].tolist()


def test_a_mask_hides_a_word_and_keeps_its_place(victim):
    assert victim.tokens(["grain", MASK]).tolist() == [2, UNK]
    assert victim.tokens(["", "grain", ""]).tolist() == [2]
    assert victim.tokens([""]).tolist() == [UNK]


def test_words_beyond_the_maximum_are_cut_off():
    victim = Victim(planted_model(), encoded(max_tokens=3), 7)
    assert victim.words("grain ship gold trade") == ["grain", "ship", "gold"]
    assert victim.tokens(["grain", "ship", "gold", "trade"]).tolist() == VOCABULARY.encode(["grain", "ship", "gold"])


def test_the_best_labels(victim):
    assert victim.best(["gold", "gold", "ship"], 2).tolist() == [3, 1]
    assert len(victim.best(["gold"], 50)) == len(DECISIVE)


@pytest.mark.parametrize(
    ("word", "expected"), [("grain", True), ("The", False), ("...", False), ("", False), ("3com", True), ("12", True)]
)
def test_what_may_be_substituted(word, expected):
    assert is_substitutable(word) is expected


def test_single_token_words_leave_out_what_may_not_stand_in(victim):
    words = dict(victim.single_token_words())
    assert set(words) == {*DECISIVE, *FILLERS}
    assert words["grain"] == 2


class Halves:
    """A tokenizer of pieces: a word of more than four letters is cut in two."""

    def __call__(self, text):
        pieces = []
        for word in text.split():
            pieces += [f"\N{LOWER ONE EIGHTH BLOCK}{word[:4]}", *([word[4:]] if word[4:] else [])]
        return pieces


@pytest.fixture
def piecewise(tmp_path):
    vocabulary = Vocabulary(["\N{LOWER ONE EIGHTH BLOCK}grai", "n", "\N{LOWER ONE EIGHTH BLOCK}ship"])
    corpus = replace(encoded(tmp_path / "tokenizer.json", max_tokens=5), vocabulary=vocabulary)
    corpus.__dict__["_tokenize"] = Halves()
    return Victim(planted_model(), corpus, 7)


def test_a_model_of_pieces_is_attacked_word_by_word(piecewise):
    assert piecewise.words("ship grain grain ship ship") == ["ship", "grain", "grain"]
    assert piecewise.tokens(["ship", "grain"]).tolist() == [4, 2, 3]
    assert piecewise.single_token_words() == [("grai", 2), ("ship", 4)]
    found = piecewise.judge_substitutes(["ship", "grain"], [1, 0], ["ship", "grain"], [0])
    for row, words in zip(found.scores, (["ship", "ship"], ["grain", "grain"]), strict=True):
        with torch.inference_mode():
            alone = piecewise.model(torch.from_numpy(piecewise.tokens(words))[None])[0, 0]
        np.testing.assert_allclose(row, alone.item(), atol=1e-6)


def test_an_attack_may_move_probabilities(victim):
    of_probabilities = Victim(planted_model(), encoded(), 7, "probabilities")
    words = ["gold", "grain"]
    logits, probabilities = (each.judge(words, [0, 1]) for each in (victim, of_probabilities))
    np.testing.assert_allclose(probabilities.scores, 1 / (1 + np.exp(-logits.scores)), rtol=1e-6)
    np.testing.assert_array_equal(probabilities.ranks, logits.ranks)


def test_pieces_of_a_bert_are_words_unless_they_go_on_with_one(tmp_path):
    """WordPiece marks what goes on with a word; special pieces are read as themselves, and are no words."""
    corpus = replace(encoded(tmp_path / "tokenizer.json", max_tokens=5), vocabulary=Vocabulary(["[CLS]", "oil", "##s"]))
    corpus.__dict__["_tokenize"] = lambda text: [text] if text in ("[CLS]", "oil") else [*"##", "s"]
    victim = Victim(planted_model(), corpus, 7)
    assert victim.single_token_words() == [("oil", 3)]
