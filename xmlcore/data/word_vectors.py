"""Initial word vectors: random, pretrained GloVe, those of a checkpoint, or learned from the training corpus alone.

Every table is (V, D) float32 with row `PAD` zero and rows whose norm is about one (random, GloVe) or the root of two
(in-domain, two halves), so that one learning rate serves every kind. Those of a checkpoint stay
as its body knows them.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import Ridge

from xmlcore.common.errors import UserError
from xmlcore.config.params import Embedding
from xmlcore.corpora.text_files import numbered_lines
from xmlcore.data.dataset import EncodedCorpus, Split
from xmlcore.data.sparse_matrices import label_matrix, tfidf_matrix
from xmlcore.data.tokens import PAD, UNK, Vocabulary
from xmlcore.data.vector_tables import InitialVectors


def random_vectors(vocabulary: Vocabulary, dimension: int, seed: int) -> np.ndarray:
    """Return Gaussian rows (V, D) of unit norm."""
    vectors = np.random.default_rng(seed).standard_normal((len(vocabulary), dimension), np.float32)
    return _normalise(vectors)


def idf_vectors(split: Split, vocabulary: Vocabulary, dimension: int, seed: int) -> np.ndarray:
    """Return random rows (V, D), as long as a token is rare in `split`: 1 on average, 0 where it lacks it.

    The sum over a document is a random projection of its tf-idf vector, which keeps angles (Achlioptas 2003). An
    unknown token that `split` lacks is its average token: a document of them, where Integrated Gradients begins, is
    what all documents share and not the zero vector, which has no direction.
    """
    tfidf = tfidf_matrix(split, len(vocabulary))
    idf = inverse_document_frequency(tfidf) * (np.bincount(tfidf.indices, minlength=len(vocabulary)) > 0)
    vectors = random_vectors(vocabulary, dimension, seed) * (idf / idf[idf > 0].mean())[:, None].astype(np.float32)
    if not idf[UNK]:
        vectors[UNK] = np.bincount(split.tokens, minlength=len(vocabulary)) @ vectors / len(split.tokens)
    return vectors


def in_domain_vectors(split: Split, vocabulary: Vocabulary, dimension: int, labels: int, seed: int) -> np.ndarray:
    """Return (V, D) learned from `split` alone: what a token is about, and which of the `labels` it speaks for.

    One half is latent semantic analysis (Deerwester et al. 1990), truncated SVD of the tf-idf matrix. The other is the
    ridge regression from tf-idf to the labels, or to their leading singular directions where there are more of them
    than columns. Columns that the corpus has no rank for, and tokens that `split` lacks, are filled with small noise.
    """
    tfidf = tfidf_matrix(split, len(vocabulary))
    targets = label_matrix(split, labels)
    predictive = _ridge_coefficients(tfidf, targets, dimension // 2, seed)
    topical = _latent_semantics(tfidf, dimension - predictive.shape[1], seed)
    learned = np.hstack([predictive, topical]).astype(np.float32)
    vectors = 0.001 * random_vectors(vocabulary, dimension, seed)
    vectors[:, : learned.shape[1]] += learned
    vectors[PAD] = 0
    return vectors


def _latent_semantics(tfidf: sparse.csr_matrix, width: int, seed: int) -> np.ndarray:
    """Return right singular vectors (V, <= width) scaled by their singular values, then to rows of unit norm."""
    svd = TruncatedSVD(min(width, min(tfidf.shape) - 1), random_state=seed).fit(tfidf)
    latent = (svd.components_ * svd.singular_values_[:, None]).T
    return latent / np.maximum(np.linalg.norm(latent, axis=1, keepdims=True), 1e-8)


def _ridge_coefficients(tfidf: sparse.csr_matrix, targets: sparse.csr_matrix, width: int, seed: int) -> np.ndarray:
    """Return coefficients (V, <= width), in units of the raw term weight, rows of unit norm on average."""
    if width < targets.shape[1]:
        dense = TruncatedSVD(width, random_state=seed).fit_transform(targets)
    else:
        dense = targets.toarray()
    ridge = Ridge(alpha=1.0, solver="sparse_cg", tol=0.001).fit(tfidf, dense)
    coefficients = ridge.coef_.reshape(dense.shape[1], -1).T * inverse_document_frequency(tfidf)[:, None]
    return coefficients / max(np.linalg.norm(coefficients, axis=1).mean(), 1e-8)


def inverse_document_frequency(tfidf: sparse.csr_matrix) -> np.ndarray:
    """Return (V,) float64, smoothed as scikit-learn does, of the terms of a matrix (N, V) without stored zeros."""
    frequency = np.bincount(tfidf.indices, minlength=tfidf.shape[1])
    return np.log((1 + tfidf.shape[0]) / (1 + frequency)) + 1


def glove_vectors(folder: Path, vocabulary: Vocabulary, dimension: int, seed: int) -> tuple[np.ndarray, float]:
    """Return (V, D) of the pretrained vectors in `folder`, and the share of the vocabulary they cover.

    Reads the file named `*.{dimension}d*`, plain or compressed. Tokens without a vector get a random one.
    Raises `UserError` naming file and line for a vector of another width or with NaN, and when nothing is covered.
    """
    vectors = random_vectors(vocabulary, dimension, seed)
    ids = {token: i for i, token in enumerate(vocabulary.tokens) if i > UNK}
    covered: set[str] = set()
    for place, line in _vector_lines(folder, dimension):
        word, *values = line.split(" ")
        if word in ids:
            vectors[ids[word]] = _parse_vector(values, dimension, place)
            covered.add(word)
    if not covered:
        raise UserError(f"{folder}: covers no token of the vocabulary; use embedding.kind in_domain or random")
    return _normalise(vectors), len(covered) / len(ids)


def _parse_vector(values: list[str], dimension: int, place: str) -> np.ndarray:
    try:
        vector = np.array(values, np.float32)
    except ValueError:
        raise UserError(f"{place}: a value is not a number; mend or remove the line") from None
    if len(vector) != dimension:
        raise UserError(f"{place}: {len(vector)} values where embedding.dimension is {dimension}; change one of them")
    if not np.isfinite(vector).all():
        raise UserError(f"{place}: a value is not finite; mend or remove the line")
    return vector


def _vector_lines(folder: Path, dimension: int) -> Iterator[tuple[str, str]]:
    """Yield the lines of the first file named `*.{dimension}d*` in `folder`, each with its place for a message."""
    found = sorted(path for path in folder.rglob(f"*.{dimension}d*") if path.is_file())
    if not found:
        raise UserError(
            f"{folder}: no vectors of {dimension} dimensions; add glove to `vectors` or change embedding.dimension"
        )
    for number, line in numbered_lines(found[0]):
        yield f"{found[0]}:{number}", line


def _normalise(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.maximum(norms, 1e-8)
    vectors[PAD] = 0
    return vectors


def build_vectors(
    corpus: EncodedCorpus, options: Embedding, pretrained: Path, seed: int
) -> tuple[InitialVectors, float]:
    """Return vectors of the kind that `options` names, and the share of the vocabulary they know anything of.

    Of parts side by side, each is drawn by a seed of its own, and the share is that of the one that knows most.
    """
    if options.parts:
        parts = [build_vectors(corpus, part, pretrained, seed + place) for place, part in enumerate(options.parts)]
        tables = zip(*(vectors for vectors, _ in parts), strict=True)
        return InitialVectors(*map(np.hstack, tables)), max(coverage for _, coverage in parts)
    vocabulary, dimension = corpus.vocabulary, options.dimension
    if options.kind in ("in_domain", "random_idf"):
        training, everything = corpus.splits["train"], corpus.train_and_validation
        seen = np.count_nonzero(np.unique(everything.tokens) > UNK)
        if options.kind == "random_idf":
            learn = partial(idf_vectors, vocabulary=vocabulary, dimension=dimension, seed=seed)
        else:
            labels = len(corpus.label_names)
            learn = partial(in_domain_vectors, vocabulary=vocabulary, dimension=dimension, labels=labels, seed=seed)
        return InitialVectors(learn(training), learn(everything)), seen / max(len(vocabulary) - UNK - 1, 1)
    if options.kind == "glove":
        table, coverage = glove_vectors(pretrained, vocabulary, dimension, seed)
    elif options.checkpoint:
        from xmlcore.data.pretrained import piece_vectors

        table, coverage = piece_vectors(options.checkpoint, vocabulary)
    else:
        table, coverage = random_vectors(vocabulary, dimension, seed), 0.0
    return InitialVectors(table, table), coverage
