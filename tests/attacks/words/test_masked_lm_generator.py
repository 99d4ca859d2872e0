from pathlib import Path

import pytest
import torch

from planted import DECISIVE, FILLERS, VOCABULARY, encoded
from xmlcore.attacks.words.generators.base import Request
from xmlcore.attacks.words.generators.masked_lm import BATCH, MaskedLMGenerator
from xmlcore.attacks.words.goals import Target
from xmlcore.attacks.words.language_model import write_masked_lm
from xmlcore.common.errors import UserError

TARGET = Target(0, "positive", (0,), (True,))
SIZES = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}


def bert(vocabulary: int, positions: int = 12):
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    return BertForMaskedLM(
        BertConfig(vocab_size=vocabulary, max_position_embeddings=positions, type_vocab_size=1, **SIZES)
    )


def request(*words, position=0):
    return Request(words, position, TARGET)


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> MaskedLMGenerator:
    """The corpus's own."""
    folder = tmp_path_factory.mktemp("own")
    write_masked_lm(bert(len(VOCABULARY) + 3), encoded(), folder)
    return MaskedLMGenerator(str(folder))


SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BEGINNINGS = ["gr", "sh", "gold", "mask"]
CONTINUATIONS = ["ain", "ip", "s", "oats"]
PIECES = [*SPECIAL, *BEGINNINGS, *(f"##{each}" for each in CONTINUATIONS), "[unused1]", "the", ".", ",", "[", "]"]


def write_pieces(folder: Path, model) -> str:
    from transformers import BertTokenizer

    model.save_pretrained(folder)
    BertTokenizer(vocab={piece: i for i, piece in enumerate(PIECES)}).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def pieces(tmp_path_factory) -> MaskedLMGenerator:
    """One with pieces of words, as bert-base-uncased."""
    return MaskedLMGenerator(write_pieces(tmp_path_factory.mktemp("pieces"), bert(len(PIECES))))


@pytest.fixture(scope="module")
def byte_pieces(tmp_path_factory) -> MaskedLMGenerator:
    """One whose pieces are of bytes and mark where words begin, as roberta-base."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForMaskedLM

    folder = tmp_path_factory.mktemp("bytes")
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "Ġ", *"abcdé", "Ã", "©", ",", "Ġa", "Ġb", "Ġd"]
    merges = [("Ġ", "a"), ("Ġ", "b"), ("Ġ", "d")]
    tokenizer = Tokenizer(models.BPE({name: i for i, name in enumerate(names)}, merges, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    named = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "<unk>", "mask": "<mask>"}
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=12, **{f"{key}_token": name for key, name in named.items()}
    ).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = SIZES | {"vocab_size": len(names), "max_position_embeddings": 14, "type_vocab_size": 1}
    RobertaForMaskedLM(RobertaConfig(**sizes, pad_token_id=1, bos_token_id=0, eos_token_id=2)).save_pretrained(folder)
    return MaskedLMGenerator(str(folder))


def test_substitutes_are_words_best_first_and_never_the_word(own):
    requests = [request("grain", "filler0", "ship", position=i) for i in range(3)]
    for asked, found in zip(requests, own.propose(requests, 5), strict=True):
        assert len(found) == len(set(found)) == 5
        assert set(found) <= {*DECISIVE, *FILLERS} - {asked.words[asked.position]}


def test_the_order_is_that_of_the_logits_at_the_mask(own):
    words = ["grain", "filler0", "ship"]
    start, end, mask = range(len(VOCABULARY), len(VOCABULARY) + 3)
    grain, ship = VOCABULARY.encode(["grain", "ship"])
    with torch.inference_mode():
        logits = own._model(torch.tensor([[start, grain, mask, ship, end]])).logits[0, 2]
    expected = sorted({*DECISIVE, *FILLERS} - {"filler0"}, key=lambda word: -logits[VOCABULARY.encode([word])[0]])
    assert own.propose([request(*words, position=1)], 100) == [expected]


def test_requests_together_or_alone(own):
    words = [*FILLERS, "grain", *DECISIVE, "unheard", "", *FILLERS]
    requests = [Request(words[i % 3 :], i, TARGET) for i in range(20) if words[i % 3 :][i]]
    assert len(requests) > BATCH
    together = own.propose(requests, 4)
    assert together == [own.propose([each], 4)[0] for each in requests]
    assert own.propose([], 4) == []


@pytest.mark.parametrize(
    "position, before", [(0, 0), (1, 1), (4, 4), (5, 5), (20, 5), (29, 5), (34, 9), (35, 9)], ids=str
)
def test_a_long_document_is_cut_around_the_word_as_evenly_as_can_be(own, position, before):
    """The model has twelve positions, two of them for [CLS] and [SEP]."""
    words = [f"{FILLERS[i % 8]}" for i in range(36)]
    context = own._context(Request(words, position, TARGET))
    assert len(context.tokens) == 12
    (place,) = context.places
    first = {0: 0, 1: 0, 4: 0, 35: 26, 34: 26}.get(position, position - place + 1)
    assert place == 1 + position - first
    read = [word for i, word in enumerate(words[first : first + 10]) if first + i != position]
    expected = [len(VOCABULARY), *VOCABULARY.encode(read), len(VOCABULARY) + 1]
    assert [*context.tokens[:place].tolist(), *context.tokens[place + 1 :].tolist()] == expected
    assert abs(place - 1 - min(max(before, 0), place - 1)) <= 1


def test_words_of_the_context_are_read_whole_or_not_at_all(pieces):
    words = ["gold", *["grains"] * 5]
    tokens = pieces._context(Request(words, 0, TARGET)).tokens.tolist()
    names = [PIECES[i] for i in tokens]
    assert names == ["[CLS]", "[MASK]", *["gr", "##ain", "##s"] * 3, "[SEP]"]


def test_a_word_of_pieces_becomes_the_likeliest_products(pieces):
    asked = request("grain", "gold")
    ids = torch.tensor([[2, 4, 4, PIECES.index("gold"), 3]])
    with torch.inference_mode():
        first, second = pieces._model(ids).logits[0, 1:3].log_softmax(1).tolist()
    total = {
        begin + end: first[PIECES.index(begin)] + second[PIECES.index(f"##{end}")]
        for begin in [*BEGINNINGS, "the"]
        for end in CONTINUATIONS
    }
    del total["grain"]
    expected = sorted(total, key=lambda word: -total[word])
    assert pieces.propose([asked], 100) == [expected]
    assert pieces.propose([asked], 2) == [expected[:2]]


def test_whole_words_alone_replace_a_whole_word(pieces):
    (found,) = pieces.propose([request("gold", "grain")], 9)
    assert set(found) == {*BEGINNINGS} - {"gold"}  # neither stop words nor [unused1]
    (found,) = pieces.propose([request("zebra", "grain")], 9)
    assert set(found) == {*BEGINNINGS}


def test_punctuation_stays(pieces):
    (found,) = pieces.propose([request("Gold,", "grain")], 2)
    assert len(found) == 2 and set(found) < {f"{word}," for word in BEGINNINGS} - {"gold,"}
    (found,) = pieces.propose([request("[sh.gold]", "grain")], 3)
    assert len(found) == 3 and all(word[0] == "[" and word[-1] == "]" and "." in word for word in found)


def test_a_text_that_spells_a_special_token(pieces, own):
    (found,) = pieces.propose([request("[MASK]", "gold", "[SEP]", position=1)], 9)
    assert set(found) == {*BEGINNINGS} - {"gold"}
    (found,) = pieces.propose([request("[MASK]", "gold")], 9)
    assert set(found) == {"[gr]", "[sh]", "[gold]"}
    (found,) = own.propose([request("[MASK]", "grain", "[PAD]", position=1)], 99)
    assert set(found) == {*DECISIVE, *FILLERS} - {"grain"}


def test_the_corpus_s_own_reads_a_text_as_written(tmp_path):
    """Where the victim reads pieces, the words have capitals and punctuation that the corpus has not."""
    from dataclasses import replace

    write_masked_lm(bert(len(VOCABULARY) + 3), replace(encoded(), tokenizer="words"), tmp_path)
    generator = MaskedLMGenerator(str(tmp_path))
    as_written, as_read = generator.propose([request("Grain,", "(Ship)", "GOLD."), request("grain", "ship", "gold")], 5)
    assert as_written == [f"{word}," for word in as_read]


def test_nothing_replaces_what_is_no_word_or_too_long(pieces):
    assert pieces.propose([request("gold", "..."[:1], position=1), request("gr" + "s" * 11, "gold")], 5) == [[], []]


def test_pieces_of_bytes(byte_pieces):
    """A model that is no BERT, and whose padding is not 0."""
    requests = [request("b", "a"), request("bc,", "a", "é", position=0), request("a", "d")]
    alone, pair, _ = together = byte_pieces.propose(requests, 50)
    assert set(alone) == {"d"}  # "a" is a stop word
    assert all(word.endswith(",") and len(word) == 3 for word in pair) and "bc," not in pair
    assert {word[1] for word in pair} <= {*"abcdé"}
    assert together == [byte_pieces.propose([each], 50)[0] for each in requests]


def test_no_checkpoint_is_one_line(tmp_path):
    with pytest.raises(UserError, match="^words.masked_lm: no tokenizer can be loaded") as caught:
        MaskedLMGenerator(str(tmp_path / "none"))
    assert "`corpus`" in str(caught.value) and "\n" not in str(caught.value)


def test_a_checkpoint_that_cannot_fill_masks_is_one_line(tmp_path):
    from transformers import BertConfig, BertModel

    headless = write_pieces(tmp_path / "headless", BertModel(BertConfig(vocab_size=len(PIECES), **SIZES)))
    small = write_pieces(tmp_path / "small", bert(len(PIECES) - 1))
    broken = Path(write_pieces(tmp_path / "broken", bert(len(PIECES))))
    (broken / "model.safetensors").write_bytes((broken / "model.safetensors").read_bytes()[:-10])
    for name, reason in (
        (headless, "not trained to fill masks"),
        (small, "more pieces"),
        (str(broken), "can be loaded"),
    ):
        with pytest.raises(UserError, match=f"^words.masked_lm: .*{reason}") as caught:
            MaskedLMGenerator(name)
        assert "\n" not in str(caught.value)
