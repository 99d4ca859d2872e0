import numpy as np
import pytest
from transformers import BertTokenizerFast

from xmlcore.common.errors import UserError
from xmlcore.explain.tokens import ModelTokens, load_tokenizer, splitter

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sha", "##res", "rose", "."]


def words(text):
    return text.lower().replace(".", " ").split()


@pytest.fixture
def vocabulary_folder(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES))
    return tmp_path


def test_model_tokens_are_the_default():
    assert splitter("model", words)("Shares rose.") == ModelTokens(["shares", "rose"])


def test_foreign_pieces_are_spans_of_the_text(vocabulary_folder):
    document = splitter(str(vocabulary_folder), words)("Shares  rose.")
    assert document.tokens == ["Sha", "res", "rose", "."]
    assert document.gaps == ["", "", "  ", ""]


@pytest.mark.parametrize(
    ("keep", "seen"),
    [([1, 1, 1, 1], ["shares", "rose"]), ([1, 0, 1, 1], ["sha", "rose"]), ([0, 0, 1, 0], ["rose"]), ([0] * 4, [])],
)
def test_hidden_pieces_are_cut_and_the_rest_is_read_by_the_models_tokenizer(vocabulary_folder, keep, seen):
    document = splitter(str(vocabulary_folder), words)("Shares rose.")
    assert document.masked(np.array(keep, dtype=bool)) == seen


def test_saved_tokenizer_is_loaded_from_its_folder(vocabulary_folder, tmp_path):
    BertTokenizerFast.from_pretrained(str(vocabulary_folder)).save_pretrained(tmp_path / "saved")
    assert splitter(str(tmp_path / "saved"), words)("shares").tokens == ["sha", "res"]


def test_text_without_pieces_has_no_token(vocabulary_folder):
    assert splitter(str(vocabulary_folder), words)(" \x00 ").tokens == []


@pytest.mark.parametrize("content", [None, "", "{"])
def test_folder_without_a_tokenizer_is_refused_by_name(tmp_path, content):
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
        (tmp_path / "tokenizer_config.json").write_text(content)
    with pytest.raises(UserError, match="explain.shap.tokenizer"):
        load_tokenizer(str(tmp_path))
