import gzip
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from toys import split_of
from xmlcore.common.errors import UserError
from xmlcore.config.params import Embedding
from xmlcore.data.dataset import UNSEEN_LABEL, EncodedCorpus, concatenate
from xmlcore.data.tokens import PAD, UNK, Vocabulary
from xmlcore.data.vector_tables import InitialVectors, load_vectors, save_vectors
from xmlcore.data.word_vectors import (
    build_vectors,
    find_vectors,
    glove_vectors,
    idf_vectors,
    in_domain_vectors,
    label_matrix,
    random_vectors,
    tfidf_matrix,
)

VOCABULARY = Vocabulary(["profit", "share", "rain", "snow", "wheat", "grain"])
# <pad> 0, <unk> 1, profit 2, share 3, rain 4, snow 5, wheat 6, grain 7
DOCUMENTS = [[2, 3, 3], [2, 3], [4, 5, 5, 5], [4, 5], [6, 7], [6, 7, 7, 2], [4, 2], [5, 6]]
LABELS = [[0], [0], [1], [1], [], [0, 1], [1], []]
SPLIT = split_of(DOCUMENTS, LABELS)


def assert_unit_rows(vectors):
    assert vectors.dtype == np.float32
    assert not vectors[PAD].any()
    assert np.linalg.norm(vectors[PAD + 1 :], axis=1) == pytest.approx(np.ones(len(vectors) - 1), abs=1e-5)


def test_random_rows_have_unit_norm_and_are_seeded():
    vectors = random_vectors(VOCABULARY, 5, seed=1)
    assert vectors.shape == (8, 5)
    assert_unit_rows(vectors)
    assert np.array_equal(vectors, random_vectors(VOCABULARY, 5, seed=1))
    assert not np.array_equal(vectors, random_vectors(VOCABULARY, 5, seed=2))


def dense_tfidf():
    counts = np.array([np.bincount(document, minlength=8) for document in DOCUMENTS], float)
    idf = np.log((1 + len(counts)) / (1 + (counts > 0).sum(0))) + 1
    tfidf = np.where(counts, 1 + np.log(np.maximum(counts, 1)), 0) * idf
    return tfidf / np.linalg.norm(tfidf, axis=1, keepdims=True)


def test_tfidf_by_hand():
    assert tfidf_matrix(SPLIT, 8).toarray() == pytest.approx(dense_tfidf())


def test_labels_as_a_matrix():
    split = split_of([[2]] * 3, [[0, 2], [UNSEEN_LABEL], [UNSEEN_LABEL, 1]])
    assert label_matrix(split, 3).toarray().tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def in_domain(split=SPLIT, dimension=5, labels=2):
    return in_domain_vectors(split, VOCABULARY, dimension, labels, seed=0)


def test_in_domain_vectors_are_ridge_coefficients_beside_the_dense_svd():
    tfidf, targets = dense_tfidf(), np.array([[label in labels for label in (0, 1)] for labels in LABELS], float)
    _, values, right = np.linalg.svd(tfidf, full_matrices=False)
    topical = (right[:3] * values[:3, None]).T
    topical /= np.maximum(np.linalg.norm(topical, axis=1, keepdims=True), 1e-8)
    x, y = tfidf - tfidf.mean(0), targets - targets.mean(0)
    frequency = (tfidf > 0).sum(0)
    coefficients = np.linalg.solve(x.T @ x + np.eye(8), x.T @ y) * (np.log(9 / (1 + frequency)) + 1)[:, None]
    coefficients /= np.linalg.norm(coefficients, axis=1).mean()
    expected = np.hstack([coefficients, topical])
    vectors = in_domain()
    # The signs of singular vectors are arbitrary, inner products are not; there is a little noise.
    assert vectors[2:] @ vectors[2:].T == pytest.approx(expected[2:] @ expected[2:].T, abs=0.02)


def test_in_domain_vectors_bring_together_what_occurs_together():
    vectors = in_domain()
    profit, share, rain, snow = vectors[2:6] / np.linalg.norm(vectors[2:6], axis=1, keepdims=True)
    assert profit @ share > 0.4 > profit @ snow
    assert rain @ snow > 0.4 > share @ rain


def test_in_domain_vectors_are_deterministic_and_leave_padding_zero():
    vectors = in_domain()
    assert vectors.dtype == np.float32
    assert not vectors[PAD].any()
    assert np.array_equal(vectors, in_domain())


def test_more_labels_than_columns():
    labels = [[i % 7, (3 * i) % 7] for i in range(len(DOCUMENTS))]
    vectors = in_domain(split_of(DOCUMENTS, labels), dimension=4, labels=7)
    assert vectors.shape == (8, 4)
    assert np.isfinite(vectors).all()


def test_a_token_that_the_corpus_lacks_is_small_noise():
    vectors = in_domain(split_of([[2, 3], [4, 5], [2, 4]], [[0], [1], [0]]))
    assert 0 < np.linalg.norm(vectors[7]) < 0.1 < np.linalg.norm(vectors[2])


@pytest.mark.filterwarnings("ignore:invalid value encountered in divide:RuntimeWarning:sklearn")
@pytest.mark.parametrize("labels", [1, 2, 30])
@pytest.mark.parametrize(
    "documents",
    [[[2], [3]], [[2, 3]] * 5, [[2], [3], [4]], [[1], [1]]],
    ids=["two", "all the same", "disjoint", "unknown"],
)
def test_a_corpus_of_less_rank_than_the_dimension_is_filled_with_noise(documents, labels):
    split = split_of(documents, [[i % labels] for i in range(len(documents))])
    vectors = in_domain(split, 20, labels)
    assert vectors.shape == (8, 20)
    assert np.isfinite(vectors).all()
    assert vectors[PAD + 1 :].any(axis=0).all()
    assert not vectors[PAD].any()


@pytest.fixture
def glove(tmp_path):
    """glove(lines) -> the file glove.6B.2d.txt of those lines."""

    def glove(*lines):
        file = tmp_path / "glove.6B.2d.txt"
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return file

    return glove


def test_glove_rows_are_normalised_and_the_rest_is_random(glove):
    vectors, covered = glove_vectors(glove("profit 3 4", "unheard 1 1", "rain -2 0"), VOCABULARY, 2, seed=0)
    assert covered == pytest.approx(2 / 6)
    assert vectors[2] == pytest.approx([0.6, 0.8])
    assert vectors[4] == pytest.approx([-1, 0])
    assert vectors[3] == pytest.approx(random_vectors(VOCABULARY, 2, seed=0)[3])
    assert_unit_rows(vectors)


def test_glove_is_read_compressed_and_from_a_folder_within(tmp_path):
    (tmp_path / "glove").mkdir()
    (tmp_path / "glove" / "glove.6B.2d.txt.gz").write_bytes(gzip.compress(b"profit 3 4\n"))
    assert glove_vectors(find_vectors(tmp_path, None, 2), VOCABULARY, 2, seed=0)[0][2] == pytest.approx([0.6, 0.8])


def test_a_word_given_twice_is_covered_once(glove):
    assert glove_vectors(glove("profit 3 4", "profit 1 0"), VOCABULARY, 2, seed=0)[1] == pytest.approx(1 / 6)


def test_special_tokens_are_not_read_from_the_file(glove):
    vectors, _ = glove_vectors(glove("<unk> 1 0", "<pad> 1 0", "rain 1 0"), VOCABULARY, 2, seed=0)
    assert vectors[:2] == pytest.approx(random_vectors(VOCABULARY, 2, seed=0)[:2])


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["rain 1 1", "profit 1 nan"], "glove.6B.2d.txt:2: a value is not finite; mend"),
        (["profit inf 1"], "glove.6B.2d.txt:1: a value is not finite; mend"),
        (["profit 1 2 3"], "glove.6B.2d.txt:1: 3 values where embedding.dimension is 2; change"),
        (["rain 1 1", "profit 1 x"], "glove.6B.2d.txt:2: a value is not a number; mend"),
        (["unheard 1 1"], "covers no token of the vocabulary; use embedding.kind"),
    ],
)
def test_broken_vectors_are_refused_with_file_and_line(glove, lines, complaint):
    with pytest.raises(UserError, match=complaint):
        glove_vectors(glove(*lines), VOCABULARY, 2, seed=0)


@pytest.mark.parametrize(
    "line", ["profit 3 4 ", "profit\t3\t4", "2 2\nprofit 3 4", "Profit 3 4", "profit 3 4\nPROFIT 1 0"]
)
def test_published_files_are_read_as_they_are(glove, line):
    assert glove_vectors(glove(line), VOCABULARY, 2, seed=0)[0][2] == pytest.approx([0.6, 0.8])


def test_a_word_with_spaces_is_all_before_the_values(glove):
    vocabulary = Vocabulary(["profit", "name@domain com"])
    vectors, _ = glove_vectors(glove("name@domain com 3 4", ". . . 1 1", "profit 1 0"), vocabulary, 2, seed=0)
    assert vectors[2:] == pytest.approx(np.array([[1, 0], [0.6, 0.8]]))


def test_a_word_of_letters_and_marks_is_found_however_it_is_encoded(glove):
    vocabulary = Vocabulary(["caf\u00e9"])
    assert glove_vectors(glove("cafe\u0301 3 4"), vocabulary, 2, seed=0)[0][2] == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize("name", ["glove.6B.2d.txt", "crawl-2d-2M.vec", "cc.hi.2.vec.gz"])
def test_the_dimension_is_in_the_name(tmp_path, name):
    for each in (name, "glove.6B.12d.txt", "glove.2B.3d.txt"):
        (tmp_path / each).touch()
    assert find_vectors(tmp_path, None, 2) == tmp_path / name


def test_of_two_files_of_one_dimension_the_recipe_names_one(tmp_path):
    for name in ("glove.6B", "glove.840B"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.2d.txt").touch()
    with pytest.raises(UserError, match="several files of 2 dimensions; name one as embedding.vectors: glove.6B/glove"):
        find_vectors(tmp_path, None, 2)
    expected = tmp_path / "glove.840B" / "glove.840B.2d.txt"
    assert (
        find_vectors(tmp_path, "glove.840B", 2) == find_vectors(tmp_path, "glove.840B/glove.840B.2d.txt", 2) == expected
    )


def test_missing_vectors_are_refused_with_the_mend(glove):
    with pytest.raises(UserError, match="no vectors of 3 dimensions; name some in `vectors`"):
        find_vectors(glove("profit 1 1").parent, None, 3)


def test_a_sum_of_idf_vectors_is_a_projection_of_tf_idf():
    """Angles between documents are nearly those of their tf-idf vectors, and what the split lacks says nothing."""
    rng = np.random.default_rng(0)
    split = split_of([rng.integers(2, 40, 12) for _ in range(50)], [[0]] * 50)
    vectors = idf_vectors(split, Vocabulary([f"t{i}" for i in range(48)]), 4000, seed=0)
    counts = np.stack([np.bincount(split.document(i), minlength=50) for i in range(50)])
    present = np.minimum(counts, 1).sum(0)
    idf = np.where(present, np.log(51 / (1 + present)) + 1, 0)
    expected, found = (cosine_similarity(rows) for rows in (counts * idf, counts @ vectors))
    assert np.abs(found - expected).mean() < 0.03
    assert not vectors[(present == 0) & (np.arange(50) != UNK)].any()
    assert np.linalg.norm(vectors, axis=1)[present > 0].mean() == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("seen", [False, True])
def test_an_unknown_token_that_training_documents_lack_is_their_average_token(seen):
    documents = [[2, 3, 3], [4, 2]] + [[UNK]] * seen
    split = split_of(documents, [[0]] * len(documents))
    vectors = idf_vectors(split, Vocabulary(["a", "b", "c"]), 8, seed=0)
    average = (2 * vectors[2] + 2 * vectors[3] + vectors[4]) / 5
    assert np.allclose(vectors[UNK], average) == (not seen)
    assert vectors[UNK].any()


def test_the_kind_chooses(glove):
    other = split_of([[6, 7]], [[0]])
    corpus = EncodedCorpus(
        VOCABULARY, ["C15", "GCAT"], "words", 500, splits={"train": SPLIT, "validation": other, "test": other}
    )
    folder = glove("profit 3 4").parent
    kinds = set(Embedding.model_fields["kind"].annotation.__args__) - {"checkpoint", "side_by_side"}
    built = {kind: build_vectors(corpus, Embedding(kind=kind, dimension=2), folder, 0)[0] for kind in kinds}
    for vectors in built.values():
        assert vectors.selection.shape == vectors.refit.shape == (8, 2)
    assert len({vectors.selection.tobytes() for vectors in built.values()}) == len(kinds)


def test_parts_stand_side_by_side_each_drawn_by_a_seed_of_its_own(glove):
    corpus = EncodedCorpus(VOCABULARY, ["C15", "GCAT"], "words", 500, splits={"train": SPLIT, "validation": SPLIT})
    parts = [Embedding(kind=kind, dimension=2) for kind in ("random", "glove", "random")]
    file = glove("profit 3 4")
    found, coverage, files = build_vectors(corpus, Embedding(kind="side_by_side", parts=parts), file.parent, 5)
    alone = [build_vectors(corpus, part, file.parent, seed) for part, seed in zip(parts, (5, 6, 7), strict=True)]
    for table, tables in zip(found, zip(*(each.vectors for each in alone), strict=True), strict=True):
        assert np.array_equal(table, np.hstack(tables))
    assert coverage == alone[1].coverage > 0
    assert files == (file,)
    assert not np.allclose(found.refit[:, :2], found.refit[:, 4:])


def test_only_the_vectors_of_the_refit_have_seen_the_validation_split():
    names, folder = ["C15", "GCAT"], Path("none")
    one, two = (
        EncodedCorpus(VOCABULARY, names, "words", 500, splits={"train": SPLIT, "validation": validation, "test": SPLIT})
        for validation in (split_of([[6, 7]], [[0]]), split_of([[6, 2]], [[1]]))
    )
    first, second = (build_vectors(corpus, Embedding(dimension=4), folder, 0)[0] for corpus in (one, two))
    assert np.array_equal(first.selection, second.selection)
    assert not np.allclose(first.refit, second.refit)
    assert np.array_equal(
        first.refit, in_domain_vectors(concatenate(SPLIT, one.splits["validation"]), VOCABULARY, 4, 2, seed=0)
    )


def stored(folder: Path, array) -> Path:
    for name in ("selection", "refit"):
        np.save(folder / f"{name}.npy", array)
    return folder


def test_stored_vectors_are_loaded(tmp_path):
    vectors = InitialVectors(*(random_vectors(VOCABULARY, 3, seed) for seed in (0, 1)))
    save_vectors(tmp_path, vectors)
    for loaded, expected in zip(load_vectors(tmp_path, VOCABULARY), vectors, strict=True):
        assert np.array_equal(loaded, expected)


def with_nan():
    vectors = random_vectors(VOCABULARY, 3, seed=0)
    vectors[4, 1] = np.nan
    return vectors


@pytest.mark.parametrize(
    ("array", "complaint"),
    [
        (with_nan(), "holds NaN or infinity"),
        (np.ones((5, 3), np.float32), r"shape \(5, 3\) where \(8, None\)"),
        (np.ones(8, np.float32), r"array \(8,\) of float32"),
        (np.array([{}], object), "Python objects in dtype"),
    ],
    ids=["NaN", "rows", "flat", "pickle"],
)
def test_unusable_vectors_are_refused_with_file_and_mend(tmp_path, array, complaint):
    with pytest.raises(UserError, match=rf"selection.npy: damaged, .*{complaint}.*\); run build_embedding again"):
        load_vectors(stored(tmp_path, array), VOCABULARY)


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"], ids=["empty", "text", "truncated"])
def test_a_broken_file_of_vectors_is_refused(tmp_path, content):
    stored(tmp_path, np.zeros((8, 3), np.float32))
    (tmp_path / "refit.npy").write_bytes(content)
    with pytest.raises(UserError, match="refit.npy: damaged, or not what build_embedding writes"):
        load_vectors(tmp_path, VOCABULARY)
