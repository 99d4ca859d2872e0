import pytest
import torch
from planted import DECISIVE, FILLERS, VOCABULARY

from xmlcore.attacks.words.generators import Request
from xmlcore.attacks.words.generators.masked_lm import LONGEST, MaskedLMGenerator
from xmlcore.attacks.words.goals import Target
from xmlcore.errors import UserError
from xmlcore.masked_lm import write_masked_lm

TARGET = Target(0, "positive", (0,), (True,))


def bert(vocabulary: int, positions: int = 12):
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=positions,
        type_vocab_size=1,
    )
    return BertForMaskedLM(config)


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> MaskedLMGenerator:
    folder = tmp_path_factory.mktemp("own")
    write_masked_lm(bert(len(VOCABULARY) + 3), VOCABULARY, folder)
    return MaskedLMGenerator(str(folder))


PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "gr",
    "sh",
    "##ain",
    "##ip",
    "##s",
    "gold",
    "the",
    "##oats",
    ".",
]


@pytest.fixture(scope="module")
def pieces(tmp_path_factory) -> MaskedLMGenerator:
    """A vocab.txt and weights, as bert-base-uncased has them."""
    folder = tmp_path_factory.mktemp("pieces")
    bert(len(PIECES)).save_pretrained(folder)
    from transformers import BertTokenizer

    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    BertTokenizer(vocab={piece: i for i, piece in enumerate(PIECES)}).save_pretrained(folder)
    return MaskedLMGenerator(str(folder))


def request(*words, position=0):
    return Request(words, position, TARGET)


def test_substitutes_are_words_best_first_and_never_the_word(own):
    requests = [request("grain", "filler0", "ship", position=i) for i in range(3)]
    for asked, found in zip(requests, own.propose(requests, 5), strict=True):
        assert len(found) == len(set(found)) == 5
        assert set(found) <= {*DECISIVE, *FILLERS} - {asked.words[asked.position]}


def test_the_order_is_that_of_the_logits_at_the_mask(own):
    words = ["grain", "filler0", "ship"]
    ids = [own._tokenizer.cls_token_id, *VOCABULARY.encode(words), own._tokenizer.sep_token_id]
    ids[2] = own._tokenizer.mask_token_id
    with torch.inference_mode():
        logits = own._model(torch.tensor([ids])).logits[0, 2]
    expected = sorted({*DECISIVE, *FILLERS} - {"filler0"}, key=lambda word: -logits[VOCABULARY.encode([word])[0]])
    assert own.propose([request(*words, position=1)], 100) == [expected]


def test_requests_together_or_alone_and_long_documents(own):
    """The document is cut around the word to what the model can read, as much on both sides as fits."""
    words = [*FILLERS, "grain", *DECISIVE, "unheard", "", *FILLERS] * 3
    requests = [Request(words, position, TARGET) for position in (0, 3, 20, len(words) - 1)]
    together = own.propose(requests, 4)
    assert together == [own.propose([each], 4)[0] for each in requests]
    masked = own._masked(requests[2])
    assert len(masked) == 12
    assert (masked == own._tokenizer.mask_token_id).nonzero()[0].tolist() == [5]
    assert (own._masked(requests[0]) == own._tokenizer.mask_token_id).nonzero()[0].tolist() == [1]
    assert (own._masked(requests[3]) == own._tokenizer.mask_token_id).nonzero()[0].tolist() == [10]


def test_a_word_of_pieces_becomes_products_of_pieces(pieces):
    (found,) = pieces.propose([request("grain", "gold", "ships")], 3)
    assert found and all(word.startswith(("gr", "sh", "gold")) and word != "grain" for word in found)
    assert all(word.endswith(("ain", "ip", "s", "oats")) for word in found)
    (found,) = pieces.propose([request("gold", "grain")], 9)
    assert set(found) == {"gr", "sh"}


def test_products_are_capped(pieces):
    every = 3 * 4  # beginnings and continuations
    (many,) = pieces.propose([request("grain")], 100)
    assert len(many) == every - 1
    (few,) = pieces.propose([request("grain")], 1)
    assert len(few) == 1 and few[0] in many[:3]


def test_a_word_of_too_many_pieces_or_unknown_ones_is_one_mask(pieces):
    assert pieces._count("gr" + "s" * (LONGEST - 1)) == LONGEST
    assert pieces._count("gr" + "s" * LONGEST) == 1
    assert pieces._count("zebra") == 1
    assert pieces._count("") == 1


def test_no_checkpoint_is_one_line(tmp_path):
    with pytest.raises(UserError, match="^words.masked_lm: no tokenizer can be loaded") as caught:
        MaskedLMGenerator(str(tmp_path / "none"))
    assert "`corpus`" in str(caught.value) and "\n" not in str(caught.value)
