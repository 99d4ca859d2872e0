"""One small classifier, trained from lists, and its folder."""

from pathlib import Path

import pytest
from news import LABELS, TEXTS

from xmlcore.serving.estimator import XMLClassifier
from xmlcore.serving.text_classifier import TextClassifier, load_classifier


@pytest.fixture(scope="session")
def fitted() -> XMLClassifier:
    return XMLClassifier("bag_of_words", epochs=8).fit(TEXTS, LABELS)


@pytest.fixture(scope="session")
def folder(fitted: XMLClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fitted.save(tmp_path_factory.mktemp("models") / "news")


@pytest.fixture(scope="session")
def classifier(folder: Path) -> TextClassifier:
    return load_classifier(folder)
