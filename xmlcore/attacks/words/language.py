"""What word attacks know of a corpus's language, whatever model they attack: its words, how rare, and their vectors."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xmlcore.common.artifacts import read_array, written_by
from xmlcore.common.errors import UserError
from xmlcore.config.params import Encode
from xmlcore.data.dataset import load_encoded
from xmlcore.data.encoding import encode_corpus
from xmlcore.data.sparse_matrices import document_frequencies
from xmlcore.data.tokens import WORD_TOKENIZERS, Vocabulary
from xmlcore.data.word_vectors import in_domain_vectors, inverse_document_frequency

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
    training = corpus.train_and_validation
    vectors = in_domain_vectors(training, corpus.vocabulary, DIMENSION, len(corpus.label_names), seed)
    idf = inverse_document_frequency(document_frequencies(training, len(corpus.vocabulary)), len(training))
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "idf.npy", idf.astype(np.float32))


def load_language(folder: Path) -> Language:
    """Return what `write_language` wrote into `folder`. Raises `UserError` where it is not whole."""
    vocabulary = load_encoded(folder / "encoded", "learn_language").vocabulary
    with written_by("learn_language", folder):
        idf = read_array(folder / "idf.npy", np.float32, len(vocabulary))
        return Language(vocabulary, idf, read_array(folder / "vectors.npy", np.float32, len(vocabulary), DIMENSION))
