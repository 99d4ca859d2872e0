"""Initial word vectors: random, pretrained GloVe, those of a checkpoint, or learned from the training corpus alone.

Every table is (V, D) float32 with row `PAD` zero and rows whose norm is about one (random, GloVe) or the root of two
(in-domain, two halves), so that one learning rate serves every kind. Those of a checkpoint stay
as its body knows them.
"""

import re
import unicodedata
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import Ridge

from xmlcore.common.errors import UserError
from xmlcore.config.params import Embedding
from xmlcore.corpora.text_files import numbered_lines
from xmlcore.data.dataset import EncodedCorpus, Split
from xmlcore.data.sampling import sample
from xmlcore.data.sparse_matrices import document_frequencies, label_matrix, tfidf_matrix, token_counts
from xmlcore.data.tokens import PAD, UNK, Vocabulary, fold
from xmlcore.data.vector_tables import InitialVectors

ROWS = 256  # of a table, that a processor's cache holds
_COUNTS = re.compile(r"[0-9]+ [0-9]+")  # of words and of values


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
    frequencies = document_frequencies(split, len(vocabulary))
    idf = inverse_document_frequency(frequencies, len(split)) * (frequencies > 0)
    vectors = random_vectors(vocabulary, dimension, seed)
    vectors *= (idf / idf[idf > 0].mean())[:, None].astype(np.float32)
    if not idf[UNK]:
        vectors[UNK] = token_counts(split, len(vocabulary)) @ vectors / len(split.tokens)
    return vectors


def in_domain_vectors(split: Split, vocabulary: Vocabulary, dimension: int, labels: int, seed: int) -> np.ndarray:
    """Return (V, D) learned from `split` alone: what a token is about, and which of the `labels` it speaks for.

    One half is latent semantic analysis (Deerwester et al. 1990), truncated SVD of the tf-idf matrix. The other is the
    ridge regression from tf-idf to the labels, or to their leading singular directions where there are more of them
    than columns. Columns that the corpus has no rank for, and tokens that `split` lacks, are filled with small noise.
    Of a large `split` they are learned from a sample.
    """
    split = sample(split, seed)
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
    idf = inverse_document_frequency(np.bincount(tfidf.indices, minlength=tfidf.shape[1]), tfidf.shape[0])
    coefficients = ridge.coef_.reshape(dense.shape[1], -1).T * idf[:, None]
    return coefficients / max(np.linalg.norm(coefficients, axis=1).mean(), 1e-8)


def inverse_document_frequency(frequencies: np.ndarray, documents: int) -> np.ndarray:
    """Return (V,) float64, smoothed as scikit-learn does, of terms that `frequencies` (V,) of `documents` have."""
    return np.log((1 + documents) / (1 + frequencies)) + 1


def glove_vectors(file: Path, vocabulary: Vocabulary, dimension: int, seed: int) -> tuple[np.ndarray, float]:
    """Return (V, D) of the pretrained vectors in `file`, and the share of the vocabulary they cover.

    A line is a word, which may have spaces in it, and D values; a first line of two counts, as word2vec and fastText
    write it, is left out. A word that the vocabulary has only in lower case stands for that. Tokens without a vector
    get a random one.

    Raises:
        UserError: naming file and line, a vector of another width or with NaN; or nothing is covered.
    """
    vectors = random_vectors(vocabulary, dimension, seed)
    ids = {token: i for i, token in enumerate(vocabulary.tokens) if i > UNK}
    exact: set[str] = set()
    covered: set[str] = set()
    for number, line in numbered_lines(file):
        word, *values = line.rstrip(" \t").replace("\t", " ").rsplit(" ", dimension)
        if number == 1 and _COUNTS.fullmatch(line.strip()):
            continue
        place = f"{file}:{number}"
        if len(values) < dimension or " " in word:
            _check_width(word.split(" ")[1:] + values, dimension, place)
        word = unicodedata.normalize("NFC", word)
        token = word if word in ids else fold(word)
        if token in ids and (token == word or token not in exact):
            vectors[ids[token]] = _parse_vector(values, place)
            covered.add(token)
            exact.update({word} & {token})
    if not covered:
        raise UserError(f"{file}: covers no token of the vocabulary; use embedding.kind in_domain or random")
    return _normalise(vectors), len(covered) / len(ids)


def find_vectors(folder: Path, name: str | None, dimension: int) -> Path:
    """Return the file of vectors of `dimension` in `folder`/`name`, a folder or a file; None: anywhere in `folder`.

    Their names say the dimension, as in glove.6B.300d.txt, crawl-300d-2M.vec or cc.hi.300.vec.gz. Raises `UserError`
    where there is none, or a choice.
    """
    place = folder / name if name else folder
    if place.is_file():
        return place
    says = re.compile(rf"(?<![0-9]){dimension}(d|\.)")
    found = sorted(path for path in place.rglob("*") if path.is_file() and says.search(path.name))
    if not found:
        mend = "name some in `vectors`, or change embedding.dimension"
        raise UserError(f"{place}: no vectors of {dimension} dimensions; {mend}")
    if len(found) > 1:
        names = ", ".join(path.relative_to(folder).as_posix() for path in found)
        raise UserError(f"{place}: several files of {dimension} dimensions; name one as embedding.vectors: {names}")
    return found[0]


def _check_width(values: list[str], dimension: int, place: str) -> None:
    """Raise `UserError` where `values`, which may begin with the end of a word, are not of a vector of `dimension`."""
    if len(values) < dimension or all(map(_is_number, values)):
        raise UserError(f"{place}: {len(values)} values where embedding.dimension is {dimension}; change one of them")


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _parse_vector(values: list[str], place: str) -> np.ndarray:
    try:
        vector = np.array(values, np.float32)
    except ValueError:
        raise UserError(f"{place}: a value is not a number; mend or remove the line") from None
    if not np.isfinite(vector).all():
        raise UserError(f"{place}: a value is not finite; mend or remove the line")
    return vector


def _normalise(vectors: np.ndarray) -> np.ndarray:
    """Return `vectors` (V, D), which become rows of unit norm in place, a few at a time: they fill the memory."""
    for start in range(0, len(vectors), ROWS):
        rows = vectors[start : start + ROWS]
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-8)
    vectors[PAD] = 0
    return vectors


class Built(NamedTuple):
    """Initial vectors, and what they come from."""

    vectors: InitialVectors
    coverage: float  # the share of the vocabulary that they know anything of
    files: tuple[Path, ...] = ()  # of pretrained vectors


def build_vectors(corpus: EncodedCorpus, options: Embedding, pretrained: Path, seed: int) -> Built:
    """Return vectors of the kind that `options` names; those of `pretrained` are in files.

    Of parts side by side, each is drawn by a seed of its own, and the coverage is that of the one that knows most.
    """
    if options.parts:
        parts = [build_vectors(corpus, part, pretrained, seed + place) for place, part in enumerate(options.parts)]
        tables = zip(*(part.vectors for part in parts), strict=True)
        files = tuple(file for part in parts for file in part.files)
        return Built(InitialVectors(*map(np.hstack, tables)), max(part.coverage for part in parts), files)
    vocabulary, dimension = corpus.vocabulary, options.dimension
    if options.kind in ("in_domain", "random_idf"):
        training, everything = corpus.splits["train"], corpus.train_and_validation
        seen = np.count_nonzero(token_counts(everything, len(vocabulary))[UNK + 1 :])
        if options.kind == "random_idf":
            learn = partial(idf_vectors, vocabulary=vocabulary, dimension=dimension, seed=seed)
        else:
            labels = len(corpus.label_names)
            learn = partial(in_domain_vectors, vocabulary=vocabulary, dimension=dimension, labels=labels, seed=seed)
        return Built(InitialVectors(learn(training), learn(everything)), seen / max(len(vocabulary) - UNK - 1, 1))
    files = ()
    if options.kind == "glove":
        file = find_vectors(pretrained, options.vectors, dimension)
        table, coverage = glove_vectors(file, vocabulary, dimension, seed)
        files = (file,)
    elif options.checkpoint:
        from xmlcore.data.pretrained import piece_vectors

        table, coverage = piece_vectors(options.checkpoint, vocabulary)
    else:
        table, coverage = random_vectors(vocabulary, dimension, seed), 0.0
    return Built(InitialVectors(table, table), coverage, files)
