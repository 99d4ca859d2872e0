"""The linear classifier in a model folder: all that a network in one can do, but for what needs embeddings."""

import shutil
from pathlib import Path

import pytest
from news import LABELS, TEXTS

from toys import split_of
from xmlcore.baselines.linear import fit_linear
from xmlcore.common.errors import UserError
from xmlcore.config.params import Baseline
from xmlcore.serving.model_folder import Defence, load_model_folder, write_model_folder
from xmlcore.serving.text_classifier import TextClassifier

TEXT = "corn harvest and a report of the tanker"


@pytest.fixture(scope="module")
def linear_folder(classifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The texts of the other tests, read as its network reads them."""
    reader = classifier.stored.reader
    ids = {reader.titles.get(name, name): label for label, name in enumerate(reader.label_names)}
    split = split_of(
        [reader.vocabulary.encode(reader.tokenize(text)) for text in TEXTS],
        [[ids[name] for name in of_text] for of_text in LABELS],
    )
    model = fit_linear(split, len(ids), len(reader.vocabulary), Baseline(), seed=7)
    weights, folder = (tmp_path_factory.mktemp(name) for name in ("weights", "linear"))
    model.save(weights)
    write_model_folder(folder, weights, reader, classifier.stored.calibration, Defence(), "")
    return folder


@pytest.fixture(scope="module")
def linear(linear_folder: Path) -> TextClassifier:
    return TextClassifier(load_model_folder(linear_folder))


def test_labels_come_with_probabilities(linear: TextClassifier) -> None:
    labels = linear.predict(TEXT, top=3)
    assert labels[0].title == "grain prices"
    probabilities = [label.probability for label in labels]
    assert probabilities == sorted(probabilities, reverse=True) and 0 <= probabilities[-1] < probabilities[0] <= 1
    known = dict(zip(linear.labels, linear.predict_proba([TEXT])[0], strict=True))
    assert [known[label.name] for label in labels] == pytest.approx(probabilities)


@pytest.mark.parametrize("method", ["lime", "shap"])
def test_words_are_weighed(linear: TextClassifier, method: str) -> None:
    weights = dict(linear.explain(TEXT, "grain prices", method, samples=200).weights)
    assert weights["corn"] > 0 > weights["tanker"]


@pytest.mark.parametrize("substitutes", ["gradient", "deletion"])
def test_words_are_attacked(linear: TextClassifier, substitutes: str) -> None:
    found = linear.attack(TEXT, "grain prices", substitutes=substitutes, k=1, max_change=0.5)
    assert found.success and found.labels_after[0].title != "grain prices"
    assert "corn" in [word for word, _ in found.changes] and 0 < found.similarity < 1


def test_what_needs_embeddings_is_refused_by_one_line(linear: TextClassifier) -> None:
    why = "does not apply to a model without embeddings"
    with pytest.raises(UserError, match=why):
        linear.explain(TEXT, method="ig")
    with pytest.raises(UserError, match=why):
        linear.attack(TEXT, substitutes="neighbours", k=1)


def test_it_wears_no_defence_of_embeddings(linear_folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(linear_folder, tmp_path / "copy"))
    (copy / "defence.json").write_text('{"squeeze": "embeddings", "bits": 8}')
    with pytest.raises(UserError, match="squeeze: embeddings: does not apply"):
        TextClassifier(load_model_folder(copy))
