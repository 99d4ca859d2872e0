"""A split as sparse matrices of scipy, its words and its labels, and how often it has each word."""

from collections.abc import Iterator

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer

from xmlcore.data.dataset import Split

PART = 10_000  # documents that are counted at a time


def tfidf_matrix(split: Split, vocabulary_size: int) -> sparse.csr_matrix:
    """Return (N, V): sublinear term frequency times smoothed inverse document frequency, rows of unit norm."""
    return TfidfTransformer(sublinear_tf=True).fit_transform(count_matrix(split, vocabulary_size))


def count_matrix(split: Split, vocabulary_size: int) -> sparse.csr_matrix:
    """Return (N, V) how often each document has each token."""
    ones = np.ones(len(split.tokens), np.float32)
    counts = sparse.csr_matrix((ones, split.tokens, split.token_offsets), (len(split), vocabulary_size), copy=True)
    counts.sum_duplicates()
    return counts


def label_matrix(split: Split, labels: int) -> sparse.csr_matrix:
    """Return (N, L) zeros and ones; labels never seen in training have no column."""
    documents = np.repeat(np.arange(len(split)), np.diff(split.label_offsets))
    known = split.labels >= 0
    cells = (documents[known], split.labels[known])
    return sparse.csr_matrix((np.ones(known.sum(), np.float32), cells), (len(split), labels))


def token_counts(split: Split, vocabulary_size: int) -> np.ndarray:
    """Return (V,) int64 how often `split` has each token, in memory that does not grow with it."""
    counts = np.zeros(vocabulary_size, np.int64)
    for part in _parts(split):
        counts += np.bincount(part.tokens, minlength=vocabulary_size)
    return counts


def document_frequencies(split: Split, vocabulary_size: int) -> np.ndarray:
    """Return (V,) int64 how many documents of `split` have each token, in memory that does not grow with it."""
    frequencies = np.zeros(vocabulary_size, np.int64)
    for part in _parts(split):
        frequencies += np.bincount(count_matrix(part, vocabulary_size).indices, minlength=vocabulary_size)
    return frequencies


def _parts(split: Split) -> Iterator[Split]:
    return (split.part(start, min(start + PART, len(split))) for start in range(0, len(split), PART))
