import numpy as np
import pytest
import torch
from toys import split_of

from xmlcore.errors import UserError
from xmlcore.masked_lm import IGNORED, mask_words, masked_accuracy, masked_logits, train_masked_lm, write_masked_lm
from xmlcore.params import MaskedLM
from xmlcore.text import UNK, Vocabulary

WORDS = [f"w{i}" for i in range(10)]
VOCABULARY = Vocabulary(WORDS)
OPTIONS = MaskedLM(width=16, layers=1, heads=2, window=8, epochs=1, batch_size=16, learning_rate=0.01)
PAIRS = split_of([[2 + i % 5, 7 + i % 5] * 3 for i in range(200)], [[0]] * 200)  # a word says which one is beside it


def untracked(items, description, total=None):
    return items


def train(split=PAIRS, **changes):
    return train_masked_lm(split, VOCABULARY, OPTIONS.model_copy(update=changes), 7, untracked)


def test_it_learns_which_word_goes_with_which():
    model, loss = train(epochs=15)
    assert loss < 1.0
    assert masked_accuracy(model, PAIRS, len(VOCABULARY), OPTIONS, 0) > 0.8
    start, end, mask = range(len(VOCABULARY), len(VOCABULARY) + 3)
    tokens = torch.tensor([[start, 3, mask, end]])
    assert masked_logits(model, tokens, tokens == mask).argmax().item() == 8


def test_the_same_seed_gives_the_same_model():
    (one, loss), (other, again) = train(), train()
    assert loss == again
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


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


def test_transformers_reads_what_is_written(tmp_path):
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    vocabulary = Vocabulary([*WORDS, "[MASK]", "naïve", "3com"])
    model, _ = train_masked_lm(PAIRS, vocabulary, OPTIONS, 7, untracked)
    write_masked_lm(model, vocabulary, tmp_path)
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


def test_a_vocabulary_without_words_is_said():
    with pytest.raises(UserError, match="^encode.min_count: "):
        train_masked_lm(split_of([[1, 1]], [[0]]), Vocabulary([]), OPTIONS, 7, untracked)
