import numpy as np
import pytest
import torch

from toys import split_of
from xmlcore.attacks.words.language_model import (
    IGNORED,
    cut_windows,
    mask_words,
    masked_accuracy,
    masked_logits,
    train_masked_lm,
    word_tokenizer,
    write_masked_lm,
)
from xmlcore.common.checkpoints import Checkpoint
from xmlcore.common.errors import UserError
from xmlcore.config.params import MaskedLM
from xmlcore.data.dataset import EncodedCorpus
from xmlcore.data.tokens import UNK, Vocabulary, tokenize
from xmlcore.ranking.predictions import untracked

WORDS = [f"w{i}" for i in range(10)]
VOCABULARY = Vocabulary(WORDS)
OPTIONS = MaskedLM(width=16, layers=1, heads=2, window=8, epochs=1, batch_size=16, learning_rate=0.005)
PAIRS = split_of([[2 + i % 5, 7 + i % 5] * (1 + i % 4) for i in range(200)], [[0]] * 200)  # a word tells its neighbour


def train(split=PAIRS, **changes):
    return train_masked_lm(split, VOCABULARY, OPTIONS.model_copy(update=changes), 7, untracked)


def test_it_learns_which_word_goes_with_which():
    model, loss = train(epochs=30)
    assert loss < 0.5
    assert masked_accuracy(model, PAIRS, len(VOCABULARY), OPTIONS, 0) > 0.8
    start, end, mask = range(len(VOCABULARY), len(VOCABULARY) + 3)
    tokens = torch.tensor(
        [tokens for i in range(2, 7) for tokens in ([start, i, mask, end], [start, mask, i + 5, end])]
    )
    expected = [word for i in range(2, 7) for word in (i + 5, i)]
    with torch.inference_mode():
        assert masked_logits(model, tokens, tokens == mask).argmax(1).tolist() == expected


def test_the_same_seed_gives_the_same_model():
    (one, loss), (other, again) = train(), train()
    assert loss == again
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.mark.parametrize("kill", [3, 13, 20, 38])
def test_killed_it_goes_on_to_the_same_model(tmp_path, monkeypatch, kill):
    class Killed(Exception):
        pass

    def killing(items, description, total=None):
        for item in items:
            killing.left -= 1
            if killing.left < 0:
                raise Killed
            yield item

    def resumed(track):
        return train_masked_lm(PAIRS, VOCABULARY, changed, 7, track, Checkpoint(tmp_path / "state", "mine"))

    changed = OPTIONS.model_copy(update={"epochs": 3})
    undisturbed, loss = train(epochs=3)
    monkeypatch.setattr("xmlcore.common.checkpoints.SHARE", float("inf"))
    monkeypatch.setattr("xmlcore.common.checkpoints.EVERY", 0.0 if kill % 2 else 600.0)
    killing.left = kill
    with pytest.raises(Killed):
        resumed(killing)
    found, again = resumed(untracked)
    assert again == loss
    weights = zip(undisturbed.state_dict().values(), found.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)
    assert resumed(untracked)[1] == loss  # killed before the results were written


def corpus_of(vocabulary, tokenizer="whitespace"):
    return EncodedCorpus(vocabulary, ["label"], tokenizer, 500)


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    for name, seed in (("one", 7), ("again", 7), ("other", 8)):
        (tmp_path / name).mkdir()
        model, _ = train_masked_lm(PAIRS, VOCABULARY, OPTIONS, seed, untracked)
        write_masked_lm(model, corpus_of(VOCABULARY), tmp_path / name)
    one, again, other = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "again", "other")
    )
    assert one == again
    assert {name for name in one if one[name] != other[name]} == {"model.safetensors"}


def test_masks_are_as_published():
    rng = np.random.default_rng(0)
    windows = [rng.integers(UNK + 1, 1000, size=50) for _ in range(400)]
    tokens, answers = mask_words(windows, 1000, rng)
    chosen = answers != IGNORED
    assert tokens.shape == (400, 52) and chosen.any(1).all()
    assert not chosen[:, [0, -1]].any() and (tokens[:, 0] == 1000).all() and (tokens[:, -1] == 1001).all()
    assert chosen.sum().item() / 20_000 == pytest.approx(0.15, abs=0.02)
    original = torch.from_numpy(np.stack(windows))
    assert torch.equal(answers[chosen], original[chosen[:, 1:-1]])
    read = tokens[chosen]
    assert (read == 1002).float().mean().item() == pytest.approx(0.8, abs=0.03)
    assert (read == answers[chosen]).float().mean().item() == pytest.approx(0.1, abs=0.02)
    assert torch.equal(tokens[:, 1:-1][~chosen[:, 1:-1]], original[~chosen[:, 1:-1]])


def test_a_window_of_one_word_is_masked():
    _, answers = mask_words([np.array([5])], 12, np.random.default_rng(0))
    assert answers.tolist() == [[IGNORED, 5, IGNORED]]


def test_the_unknown_word_is_neither_asked_nor_put_in():
    rng = np.random.default_rng(0)
    (window,) = cut_windows(split_of([[UNK, UNK, 2, UNK, 3], [UNK] * 5], [[0], [0]]), 5)
    for _ in range(200):
        tokens, answers = mask_words([window], 4, rng)
        assert set(answers.tolist()[0]) <= {IGNORED, 2, 3}
        assert [token == UNK for token in tokens.tolist()[0][1:-1]] == [True, True, False, True, False]


def test_documents_are_cut_into_windows():
    windows = cut_windows(split_of([[2, 3, 4, 5, 6], [7]], [[0], [0]]), 2)
    assert [window.tolist() for window in windows] == [[2, 3], [4, 5], [6], [7]]


def test_transformers_reads_what_is_written(tmp_path):
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    vocabulary = Vocabulary([*WORDS, "[MASK]", "naïve", "3com"])
    model, _ = train_masked_lm(PAIRS, vocabulary, OPTIONS, 7, untracked)
    write_masked_lm(model, corpus_of(vocabulary), tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    first = len(vocabulary)
    assert tokenizer("w0 naïve 3com unheard").input_ids == [
        first,
        *vocabulary.encode(["w0", "naïve", "3com", "?"]),
        first + 1,
    ]
    assert (tokenizer.mask_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id) == (first + 2, 0, 1)
    tokens = torch.tensor([tokenizer("w0 [MASK] w1").input_ids])
    again = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    with torch.inference_mode():
        expected = masked_logits(model, tokens, tokens == first + 2)
        torch.testing.assert_close(again(tokens).logits[tokens == first + 2], expected)


@pytest.mark.parametrize(
    "text",
    [
        "U.S. Wheat, 155,221 bags",
        "naïve x² ⅷ a_b İstanbul 日本 ٣٤",
        "[MASK] (it's)",
        "हिन्दी cafe\u0301 می\u200cخواهم",
        "",
    ],
)
@pytest.mark.parametrize("tokenizer", ["words", "whitespace"])
def test_a_text_is_cut_as_the_corpus_is(tokenizer, text):
    words = tokenize(text, tokenizer)
    vocabulary = Vocabulary([word for word in dict.fromkeys(words) if word != "[MASK]"])
    found = word_tokenizer(vocabulary, tokenizer)
    found.encode_special_tokens = True
    expected = [token if token != "[MASK]" else len(vocabulary) + 2 for token in words]
    expected = [token if isinstance(token, int) else vocabulary.encode([token])[0] for token in expected]
    assert found.encode(text, add_special_tokens=False).ids == expected


def test_words_spelled_like_special_tokens_keep_their_ids_free():
    vocabulary = Vocabulary(["[CLS]", "a[SEP]b", "[UNK]", "[word", "w0"])
    ids = word_tokenizer(vocabulary, "whitespace").get_vocab()
    assert len(ids) == len(vocabulary) + 3
    assert [ids[name] for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")] == [0, 1, 7, 8, 9]
    assert (ids["a[SEP]b"], ids["w0"]) == tuple(vocabulary.encode(["a[SEP]b", "w0"]))


@pytest.mark.parametrize("split", [split_of([[1, 1]], [[0]]), split_of([], [])])
def test_a_corpus_without_words_is_said(split):
    with pytest.raises(UserError, match="^encode.min_count: ") as caught:
        train_masked_lm(split, Vocabulary([]), OPTIONS, 7, untracked)
    assert "\n" not in str(caught.value)


def test_no_more_windows_are_learned_from_than_asked():
    seen = []

    def counted(items, description, total=None):
        seen.append(total)
        return items

    for most in (50, 200, 10_000):
        train_masked_lm(PAIRS, VOCABULARY, OPTIONS.model_copy(update={"max_windows": most}), 7, counted)
    assert seen == [4, 13, 13]  # batches of 16 of 200 windows
    (first, _), (again, _) = train(max_windows=50), train(max_windows=50)
    assert torch.equal(first.cls.predictions.bias, again.cls.predictions.bias)
