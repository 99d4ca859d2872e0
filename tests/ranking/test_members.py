"""Stored predictions of members that have set aside other shares of the training documents."""

from pathlib import Path

import numpy as np
import pytest

from toys import split_of
from xmlcore.common import paths
from xmlcore.common.errors import UserError
from xmlcore.config.params import Stacking
from xmlcore.data.dataset import EncodedCorpus
from xmlcore.data.encoding import split_validation
from xmlcore.data.tokens import Vocabulary
from xmlcore.ranking.members import read_members, rows_in_common
from xmlcore.ranking.predictions import Predictions, write_predictions

SEED, DOCUMENTS = 7, 40
MEMBERS = ["linear", "mach/clean/bce"]


def store(folder: Path, numbers: np.ndarray, columns: int) -> None:
    """Predictions whose first label is the number of its document, modulo 5."""
    folder.mkdir(parents=True)
    labels = (numbers[:, None] + np.arange(columns)) % 5
    write_predictions(folder, Predictions(labels.astype(np.int32), np.full(labels.shape, 0.5, np.float32)))


def split(numbers: np.ndarray):
    return split_of([[1]] * len(numbers), [[number % 5] for number in numbers])


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EncodedCorpus:
    """The linear classifier has set aside a quarter of the documents, MACH a tenth, the corpus as it is read a half."""
    monkeypatch.chdir(tmp_path)
    fractions = {
        "results/toy/mach/clean/bce/train/validation": 0.1,
        "results/toy/linear/clean/squared_hinge/train/validation": 0.25,
    }
    for place, fraction in fractions.items():
        store(Path(place), np.sort(split_validation(DOCUMENTS, fraction, SEED)), 5)
    for place in (paths.predictions("toy", "mach", "clean", "bce"), paths.predictions("toy", *paths.LINEAR)):
        store(place, np.arange(6), 3)
    own = np.sort(split_validation(DOCUMENTS, 0.5, SEED))
    rest = np.setdiff1d(np.arange(DOCUMENTS), own)
    splits = {"train": split(rest), "validation": split(own), "test": split(np.arange(6))}
    names = [f"label {number}" for number in range(5)]
    return EncodedCorpus(Vocabulary(["a"]), names, "words", 10, splits=splits)


def test_members_are_compared_on_the_documents_that_all_have_set_aside(corpus: EncodedCorpus) -> None:
    members = read_members("toy", Stacking(corpora=["toy"], members=MEMBERS), corpus, SEED)
    assert len(members.validated) == 4
    for each in members.validation:
        assert each.labels.shape == (4, 3)  # as many labels as are stored of a test document
        assert np.array_equal(each.labels[:, 0], members.validated.labels)  # its own number, and no other document's
    assert all(each.labels.shape == (6, 3) for each in members.test)


def test_rows_in_common_are_of_the_same_documents() -> None:
    chosen = [np.sort(split_validation(DOCUMENTS, fraction, SEED)) for fraction in (0.5, 0.1, 0.25)]
    rows = rows_in_common([len(each) for each in chosen], DOCUMENTS, SEED)
    common = [each[own].tolist() for each, own in zip(chosen, rows, strict=True)]
    assert common == [chosen[1].tolist()] * 3


def test_predictions_of_another_corpus_are_refused_by_name(corpus: EncodedCorpus) -> None:
    folder = paths.results("toy", *paths.LINEAR, "train") / "validation"
    labels = np.full((10, 5), 5, np.int32)
    write_predictions(folder, Predictions(labels, np.full(labels.shape, 0.5, np.float32)))
    with pytest.raises(UserError, match=r"linear/clean/squared_hinge/train/validation: .*run baseline again"):
        read_members("toy", Stacking(corpora=["toy"], members=MEMBERS), corpus, SEED)


def test_a_member_that_was_not_predicted_is_named_with_its_stage(corpus: EncodedCorpus) -> None:
    with pytest.raises(OSError, match="results/toy/xml_cnn/clean/bce"):
        read_members("toy", Stacking(corpora=["toy"], members=["linear", "xml_cnn/clean/bce"]), corpus, SEED)
