import numpy as np
import pytest
import torch

from toys import LinearClassifier, split_of
from xmlcore.config.architectures import XMLCNNNetwork
from xmlcore.config.params import Encode
from xmlcore.data.dataset import EncodedCorpus
from xmlcore.data.encoding import encode_corpus
from xmlcore.data.text_reader import load_text_reader
from xmlcore.data.tokens import Vocabulary
from xmlcore.models.predictor import Predictor
from xmlcore.models.registry import build_model, load_model, save_model
from xmlcore.ranking.predictions import untracked

LABELS = ["C15", "GCAT", "M11"]
WORDS = ["profit", "rain", "snow"]
# Rows: padding, unknown, profit, rain, snow. Each known word speaks for one label.
TABLE = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0]]


@pytest.fixture
def predictor():
    empty = split_of([], [])
    corpus = EncodedCorpus(
        Vocabulary(WORDS), LABELS, "words", 3, splits=dict.fromkeys(("train", "validation", "test"), empty)
    )
    return Predictor(LinearClassifier(TABLE, np.eye(3).tolist()), corpus, batch_size=2)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_scores_are_the_probabilities_of_the_asked_labels_in_the_asked_order(predictor):
    documents = [["profit"], ["profit", "rain"], ["rain", "rain", "snow"], ["snow"], ["unheard"]]
    scores = predictor.scores(documents, [2, 0])
    assert scores.dtype == np.float32
    logits = [[0, 4], [0, 2], [4 / 3, 0], [4, 0], [0, 0]]
    assert scores == pytest.approx(sigmoid(np.array(logits)), rel=1e-5)


def test_documents_of_any_number_are_scored_alone(predictor):
    documents = [["profit"] * (1 + i % 3) + ["rain"] for i in range(7)]
    together = predictor.scores(documents, [0, 1])
    assert together == pytest.approx(np.concatenate([predictor.scores([d], [0, 1]) for d in documents]))


def test_a_document_without_words_is_scored(predictor):
    assert predictor.scores([[]], [0]) == pytest.approx(0.5)


def test_no_document_gives_no_row(predictor):
    assert predictor.scores([], [0, 1]).shape == (0, 2)


def test_text_is_cut_where_the_model_stops_reading(predictor):
    assert predictor.tokenize("Profit, rain -- SNOW and more") == ["profit", "rain", "snow"]
    longer, cut = ["rain", "rain", "rain", "profit"], ["rain", "rain", "rain"]
    assert np.array_equal(predictor.scores([longer], [0, 1]), predictor.scores([cut], [0, 1]))


def test_label_names(predictor):
    assert predictor.label_names == LABELS


def test_it_is_loaded_from_the_folders_that_the_stages_write(tmp_path):
    for folder in ("records", "encoded", "model"):
        (tmp_path / folder).mkdir()
    lines = [f"d{i}\tC15\tprofit rain\n" for i in range(4)]
    for name in ("train", "test"):
        (tmp_path / "records" / f"{name}.tsv").write_text("".join(lines))
    encode_corpus(tmp_path / "records", tmp_path / "encoded", Encode(), 0, untracked)
    network = XMLCNNNetwork(windows=[2], filters=2, chunks=1, hidden=3)
    model = build_model("xml_cnn", np.random.default_rng(0).standard_normal((4, 5), np.float32), 1, network)
    save_model(tmp_path / "model", model, "xml_cnn", network)
    predictor = Predictor(load_model(tmp_path / "model"), load_text_reader(tmp_path / "encoded"), batch_size=2)
    expected = model.eval()(torch.tensor([[2, 3]])).sigmoid().item()
    assert predictor.scores([["profit", "rain"]], [0]) == pytest.approx(expected, rel=1e-5)
    assert predictor.label_names == ["C15"]
