from collections import Counter

import pytest

from xmlcore.data.tokens import PAD, UNK, Vocabulary, is_word, tokenize


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Profit ROSE 3.5% in 1987-88.", ["profit", "rose", "3", "5", "in", "1987", "88"]),
        ("Äpfel façade naïve", ["äpfel", "façade", "naïve"]),
        ("mid_point a1b2", ["mid", "point", "a", "1", "b", "2"]),
        ("don't", ["don", "t"]),
        ("日本 ...", ["日本"]),
        ("हिन्दी किताब", ["हिन्दी", "किताब"]),
        ("க்ஷ தமிழ்", ["க்ஷ", "தமிழ்"]),
        ("cafe\u0301 café", ["café", "café"]),
        ("İstanbul ISTANBUL", ["istanbul", "istanbul"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("m² ½", ["m²", "½"]),
        ("\u0301 ٣٤ straße", ["٣٤", "straße"]),
        (" \t\n", []),
    ],
)
def test_words(text, tokens):
    assert tokenize(text, "words") == tokens


def test_whitespace_keeps_given_tokens():
    assert tokenize("Recov  3.5%\tf_17 a.b", "whitespace") == ["Recov", "3.5%", "f_17", "a.b"]


def test_given_tokens_are_normalised():
    assert tokenize("cafe\u0301 É", "whitespace") == ["café", "É"]


@pytest.mark.parametrize(
    ("text", "expected"), [("किताब", True), ("12", True), ("a1", False), ("<sep>", False), ("", False)]
)
def test_what_is_one_word(text, expected):
    assert is_word(text) is expected


def test_order_is_by_frequency_then_name():
    vocabulary = Vocabulary.from_counts(Counter({"rare": 1, "beta": 2, "alpha": 2, "common": 9}), min_count=2)
    assert vocabulary.tokens == ["<pad>", "<unk>", "common", "alpha", "beta"]
    assert len(vocabulary) == 5


def test_encoding_truncates_and_marks_the_unknown():
    vocabulary = Vocabulary(["a", "b"])
    assert vocabulary.encode(["b", "x", "a"]) == [3, UNK, 2]
    assert vocabulary.encode(["b", "x", "a"], max_tokens=2) == [3, UNK]


def test_a_document_without_a_token_is_one_unknown():
    assert Vocabulary(["a"]).encode([]) == [UNK]


def test_the_text_of_a_corpus_cannot_name_a_special_token():
    vocabulary = Vocabulary.from_counts(Counter({"<pad>": 9, "<unk>": 9, "a": 9}), min_count=1)
    assert vocabulary.tokens == ["<pad>", "<unk>", "a"]
    assert vocabulary.encode(["<pad>", "<unk>", "a"]) == [UNK, UNK, 2]
    assert PAD not in vocabulary.encode(["<pad>"])
