import numpy as np
import pytest
import torch

from toys import random_xml_cnn, split_of
from xmlcore.common.errors import UserError
from xmlcore.data.dataset import EncodedCorpus, Split
from xmlcore.data.tokens import Vocabulary
from xmlcore.models.xml_cnn.model import XMLCNN
from xmlcore.ranking.predictions import Predictions, predict, predictions_of, read_predictions, write_predictions

LABELS = 7


@pytest.fixture
def random() -> tuple[XMLCNN, Split]:
    return random_xml_cnn(LABELS)


def test_predictions_are_the_best_labels_best_first(random):
    model, split = random
    predictions = predict(model, split, k=3, batch_size=4)
    labels, scores = predictions.labels, predictions.scores
    assert (labels.dtype, scores.dtype) == (np.int32, np.float32)
    for i in range(len(split)):
        logits = model(torch.from_numpy(split.document(i).astype(np.int64))[None])[0].detach().numpy()
        assert labels[i].tolist() == np.argsort(-logits)[:3].tolist()
        assert scores[i] == pytest.approx(1 / (1 + np.exp(-logits[labels[i]])), rel=1e-4)


def test_no_more_labels_are_predicted_than_there_are(random):
    model, split = random
    assert predict(model, split, k=50).labels.shape == (len(split), LABELS)


def test_prediction_does_not_depend_on_the_batch(random):
    model, split = random
    alone, together = predict(model, split, 5, batch_size=1), predict(model, split, 5)
    assert np.array_equal(alone.labels, together.labels)
    assert alone.scores == pytest.approx(together.scores, rel=1e-4)


def test_prediction_is_without_dropout(random):
    model, split = random
    first, second = (predict(model.train(), split, 1).scores for _ in range(2))
    assert np.array_equal(first, second)


def test_predictions_come_back_as_written(tmp_path):
    labels = np.array([[3, 1], [0, 2]], np.int32)
    scores = np.array([[0.9, 0.1], [0.8, 0.7]], np.float32)
    write_predictions(tmp_path, Predictions(labels, scores))
    found = read_predictions(tmp_path)
    assert isinstance(found.labels, np.memmap)
    for name, written in (("labels", labels), ("scores", scores)):
        read = getattr(found, name)
        assert read.dtype == written.dtype
        assert np.array_equal(read, written)


@pytest.mark.parametrize(
    ("labels", "scores"),
    [
        (np.array([[3, -1]], np.int32), np.ones((1, 2), np.float32)),
        (np.array([[3, 1]], np.int64), np.ones((1, 2), np.float32)),
        (np.array([[3, 1]], np.int32), np.ones((2, 2), np.float32)),
        (np.array([[3, 1]], np.int32), np.full((1, 2), 1.5, np.float32)),
        (np.array([[3, 1]], np.int32), np.full((1, 2), np.nan, np.float32)),
    ],
    ids=["negative", "type", "shape", "above 1", "NaN"],
)
def test_predictions_that_cannot_be_are_refused(tmp_path, labels, scores):
    write_predictions(tmp_path, Predictions(labels, scores))
    with pytest.raises(UserError, match=f"{tmp_path}: damaged, or not what evaluate writes .*; run evaluate again"):
        read_predictions(tmp_path)


@pytest.mark.parametrize(("documents", "names", "message"), [(2, "ab", "1 rows for 2"), (1, "ab", "beyond the 2")])
def test_predictions_of_another_corpus_are_refused(tmp_path, documents, names, message):
    write_predictions(tmp_path, Predictions(np.array([[2, 1]], np.int32), np.ones((1, 2), np.float32)))
    test = split_of([[1]] * documents, [[]] * documents)
    corpus = EncodedCorpus(Vocabulary([]), list(names), "words", 5, splits={"test": test})
    with pytest.raises(UserError, match=f"{message}.*; run evaluate again"):
        predictions_of(corpus, tmp_path)
