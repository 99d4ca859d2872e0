import numpy as np
import pytest

from xmlcore.attacks.words.similarity import CorpusEncoder, load_encoder, similarities
from xmlcore.common.errors import UserError


def test_equal_documents_are_alike_and_so_are_near_words(language):
    encoder = CorpusEncoder(language)
    first = [["grain", "ship"], ["filler0"], ["grain"]]
    second = [["grain", "ship"], ["filler1"], ["gold"]]
    found = similarities(encoder, first, second)
    assert found[0] == 1
    assert found[1] == pytest.approx(1, abs=1e-5)
    a, b = (language.vectors[language.vocabulary.encode([word])[0]] for word in ("grain", "gold"))
    assert found[2] == pytest.approx(max(a @ b / np.linalg.norm(a) / np.linalg.norm(b), 0), abs=1e-5)


def test_a_rare_word_weighs_more(language):
    rare = language.vocabulary.encode(["grain"])[0]
    before = similarities(CorpusEncoder(language), [["grain", "ship"]], [["gold", "ship"]])
    language.idf[rare] = 10
    assert similarities(CorpusEncoder(language), [["grain", "ship"]], [["gold", "ship"]]) != before


def test_documents_of_unknown_words(language):
    encoder = CorpusEncoder(language)
    language.vectors[:2] = 0
    assert similarities(encoder, [["unheard"], []], [["unseen"], []]).tolist() == [0, 1]
    assert similarities(encoder, [], []).shape == (0,)


def test_an_encoder_that_is_not_there_is_one_line(language, tmp_path):
    assert isinstance(load_encoder("corpus", language), CorpusEncoder)
    with pytest.raises(UserError, match="^words.encoder: ") as caught:
        load_encoder(str(tmp_path / "none"), language)
    assert "corpus" in str(caught.value) and "\n" not in str(caught.value)


def test_a_local_sentence_encoder(language, tmp_path):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {"[UNK]": 0, "grain": 1, "corn": 2, "gold": 3}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    weights = np.array([[0, 0], [1, 0], [1, 0.1], [0, 1]], np.float32)
    model = sentence_transformers.SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)])
    model.save(str(tmp_path / "encoder"))
    encoder = load_encoder(str(tmp_path / "encoder"), language)
    near, far, deleted = similarities(
        encoder, [["grain"], ["grain"], ["grain", "corn"]], [["corn"], ["gold"], ["grain", ""]]
    )
    assert near > 0.99 and far == pytest.approx(0, abs=1e-6) and deleted > 0.99
