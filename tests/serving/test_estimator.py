from pathlib import Path

import numpy as np
import pytest
from news import GRAIN, LABELS, OIL, SHIP, TEXTS
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MultiLabelBinarizer

from xmlcore.common.errors import UserError
from xmlcore.config.params import load_params
from xmlcore.serving.estimator import ADVERSARIAL, CLEAN, XMLClassifier, recipe_of, recipes
from xmlcore.serving.text_classifier import load_classifier

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("recipe", ["mach", "xml_cnn", "attention_xml"])
def test_every_recipe_learns(recipe: str) -> None:
    small = {
        "mach": {"embedding": {"dimension": 64}, "network": {"buckets": 10}},
        "xml_cnn": {"embedding": {"dimension": 20}, "network": {"filters": 16, "hidden": 32}},
        "attention_xml": {"embedding": {"dimension": 20}, "network": {"lstm": 16, "hidden": [16]}},
    }
    fast = {"learning_rate": 0.01, "averaging_from": 0, "patience": 40, "batch_size": 8}
    classifier = XMLClassifier(recipe, epochs=30, changes=small[recipe] | {"training": fast}).fit(TEXTS, LABELS)
    assert classifier.score(TEXTS, LABELS) > 0.9


def test_recipes_are_those_of_the_pipeline() -> None:
    params = load_params(REPOSITORY / "params.yaml")
    shared = [name for name in recipes() if name in params.model]
    assert shared
    for name in shared:
        assert recipe_of(name).model_dump() == params.model[name].model_dump(), name
    assert (params.regime["clean"], params.regime["adversarial"]) == (CLEAN, ADVERSARIAL)


def test_labels_keep_the_names_that_they_were_given(fitted) -> None:
    assert fitted.classes_ == sorted([OIL, GRAIN, SHIP])
    predicted = fitted.predict(TEXTS[:6])
    expected = MultiLabelBinarizer(classes=fitted.classes_).fit_transform(LABELS[:6])
    assert np.array_equal(predicted, expected)
    assert fitted.predict_proba(TEXTS[:2], [GRAIN]).shape == (2, 1)


def test_it_is_an_estimator_of_scikit_learn() -> None:
    classifier = XMLClassifier("bag_of_words", epochs=3, threshold=0.4)
    assert clone(classifier).get_params() == classifier.get_params()
    with pytest.raises(NotFittedError):
        classifier.predict(TEXTS[:1])
    y = MultiLabelBinarizer().fit_transform(LABELS)
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    pipeline = Pipeline([("lower", lower), ("classify", clone(classifier))])
    search = GridSearchCV(pipeline, {"classify__epochs": [1, 8]}, cv=2).fit(TEXTS, y)
    assert search.best_score_ > 0.9
    assert search.predict(TEXTS[:6]).shape == (6, 3)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_labels_may_be_a_matrix(form) -> None:
    y = MultiLabelBinarizer(classes=[SHIP, GRAIN, OIL]).fit_transform(LABELS)
    classifier = XMLClassifier("bag_of_words", epochs=8).fit(TEXTS, form(y))
    assert classifier.classes_ == ["0", "1", "2"]
    assert classifier.score(TEXTS, form(y)) == 1


def test_the_same_lists_give_the_same_model(fitted, folder: Path, tmp_path: Path) -> None:
    again = clone(fitted).fit(TEXTS, LABELS).save(tmp_path / "again")
    for file in folder.iterdir():
        assert file.read_bytes() == (again / file.name).read_bytes(), file.name


def test_validation_documents_may_be_given() -> None:
    given = (TEXTS[:6], LABELS[:6])
    classifier = XMLClassifier("bag_of_words", epochs=6).fit(TEXTS, LABELS, validation=given)
    assert "On 6 validation documents" in classifier.classifier_.card
    assert f"On {len(TEXTS)} documents" in classifier.classifier_.card


def test_an_adversarial_model_wears_its_defence_when_it_is_loaded(tmp_path: Path) -> None:
    classifier = XMLClassifier("bag_of_words", epochs=3, adversarial=True).fit(TEXTS, LABELS)
    loaded = load_classifier(classifier.save(tmp_path / "robust"))
    assert loaded.stored.defence.squeeze == "embeddings"
    assert np.array_equal(loaded.predict_proba(TEXTS[:3]), classifier.predict_proba(TEXTS[:3]))


@pytest.mark.parametrize(
    ("recipe", "changes"), [("bag_of_words_ridge", {}), ("xml_cnn_ridge", {"training": {"epochs": 2}})]
)
def test_a_ridge_regression_knows_its_labels_without_an_epoch(recipe: str, changes: dict, tmp_path: Path) -> None:
    classifier = XMLClassifier(recipe, changes=changes).fit(TEXTS, LABELS)
    loaded = load_classifier(classifier.save(tmp_path / "ridge"))
    assert loaded.predict(TEXTS[0], top=1)[0].title in LABELS[0]
    assert loaded.attack(TEXTS[0], max_change=0.5).positions
    assert np.array_equal(loaded.predict_proba(TEXTS[:3]), classifier.predict_proba(TEXTS[:3]))


@pytest.mark.parametrize(
    ("texts", "labels", "options", "message"),
    [
        (TEXTS, LABELS[:-1], {}, "labels of 47 texts for 48 texts"),
        (TEXTS, ["grain"] * 48, {}, "text 0 has the string 'grain'"),
        ([1] * 48, LABELS, {}, "text 0 is a int; give strings"),
        (TEXTS, [[" "]] * 48, {}, "no visible character"),
        (TEXTS, [["a b"], ["a_b"]] * 24, {}, "cannot be told apart"),
        (TEXTS, [[]] * 48, {}, "no document has a label"),
        (
            TEXTS,
            LABELS,
            {"recipe": "nothing"},
            "recipe: one of xml_cnn, xml_cnn_ridge, attention_xml, mach, bag_of_words",
        ),
        (TEXTS, LABELS, {"changes": {"network": {"bucket": 5}}}, "changes.*bucket"),
        (TEXTS, LABELS, {"changes": {"encode": {"tokenizer": "bert"}}}, "`words` or `whitespace`"),
        (TEXTS[:1], LABELS[:1], {}, "cannot be split"),
    ],
)
def test_what_cannot_be_trained_on_is_told(texts, labels, options, message: str) -> None:
    with pytest.raises(UserError, match=message):
        XMLClassifier(**{"recipe": "bag_of_words"} | options).fit(texts, labels)
