"""A split as sparse matrices of scipy: its words, and its labels."""

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer

from xmlcore.data.dataset import Split


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
