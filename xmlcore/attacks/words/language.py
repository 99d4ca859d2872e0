"""What word attacks know of a corpus's language, whatever model they attack: its words, how rare, and their vectors."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xmlcore.embeddings import in_domain_vectors
from xmlcore.encoding import EncodedCorpus, Split, concatenate, encode_corpus, load_encoded
from xmlcore.errors import UserError
from xmlcore.params import Encode
from xmlcore.text import WORD_TOKENIZERS, Vocabulary

DIMENSION = 100


@dataclass(frozen=True)
class Language:
    vocabulary: Vocabulary
    idf: np.ndarray  # (V,) smoothed inverse document frequency of each word
    vectors: np.ndarray  # (V, D)


def write_language(records: Path, folder: Path, options: Encode, seed: int, track: Callable[..., Iterable]) -> None:
    """Write the corpus in `records` as words, `encoded/`, and their vectors, into `folder`, which exists.

    Raises `UserError` where `options` cut words into the pieces of a checkpoint.
    """
    if options.tokenizer not in WORD_TOKENIZERS:
        raise UserError(
            f"encode.tokenizer: word attacks need words, not the pieces of {options.tokenizer!r}; "
            "give `words` or `whitespace`, and the checkpoint in the encode of its model"
        )
    encoded = folder / "encoded"
    encoded.mkdir()
    encode_corpus(records, encoded, options, seed, track)
    corpus = load_encoded(encoded)
    training = training_documents(corpus)
    vectors = in_domain_vectors(training, corpus.vocabulary, DIMENSION, len(corpus.label_names), seed)
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "idf.npy", _idf(training, len(corpus.vocabulary)))


def load_language(folder: Path) -> Language:
    """What `write_language` wrote into `folder`."""
    vocabulary = load_encoded(folder / "encoded").vocabulary
    return Language(vocabulary, np.load(folder / "idf.npy"), np.load(folder / "vectors.npy"))


def training_documents(corpus: EncodedCorpus) -> Split:
    """The documents of the training and validation splits."""
    return concatenate(corpus.splits["train"], corpus.splits["validation"])


def _idf(split: Split, vocabulary_size: int) -> np.ndarray:
    documents = np.repeat(np.arange(len(split)), split.lengths)
    pairs = np.unique(documents * vocabulary_size + split.tokens)  # a document and a word, as one number
    frequency = np.bincount(pairs % vocabulary_size, minlength=vocabulary_size)
    return (np.log((1 + len(split)) / (1 + frequency)) + 1).astype(np.float32)
