import pytest
import torch

from planted import VOCABULARY
from xmlcore.common.errors import UserError
from xmlcore.data.substitutes import load_table, read_substitutes, table_of_substitutes, write_substitutes
from xmlcore.data.tokens import Vocabulary

SETS = {"grain": ["ship", "gold"], "ship": ["grain"]}


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


def test_the_stage_that_has_to_run_again_is_named(tmp_path):
    with pytest.raises(UserError, match="run give_substitutes"):
        load_table(tmp_path, VOCABULARY, "give_substitutes")
