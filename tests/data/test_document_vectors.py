"""Vectors of documents by a checkpoint on disk, against what `transformers` itself makes of them."""

from pathlib import Path

import numpy as np
import pytest
from torch.nn import functional
from transformers import BertModel, BertTokenizer

from small_checkpoint import CORPUS, TEXTS, write_checkpoint
from xmlcore.common.device import CPU
from xmlcore.common.errors import UserError
from xmlcore.config.params import Embedding
from xmlcore.data.document_vectors import document_vectors, save_document_vectors, with_document_vectors
from xmlcore.data.pretrained import piece_vectors
from xmlcore.ranking.predictions import untracked


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


def found(checkpoint: str, layers: int) -> np.ndarray:
    table, _ = piece_vectors(checkpoint, CORPUS.vocabulary)
    options = Embedding(kind="checkpoint", checkpoint=checkpoint, layers=layers)
    return document_vectors(CORPUS, table, options, CPU, untracked)


@pytest.mark.parametrize("layers", [1, 3])
def test_a_document_is_the_mean_of_its_states_after_so_many_layers(checkpoint: str, layers: int) -> None:
    batch = BertTokenizer.from_pretrained(checkpoint)(TEXTS, padding=True, return_tensors="pt")
    states = BertModel.from_pretrained(checkpoint).eval()(**batch, output_hidden_states=True).hidden_states[layers]
    mask = batch["attention_mask"].unsqueeze(-1)
    expected = functional.normalize((states * mask).sum(1) / mask.sum(1)).detach().numpy()
    assert found(checkpoint, layers) == pytest.approx(expected, abs=0.02)  # bfloat16 on some processors


def test_more_layers_than_there_are_are_refused(checkpoint: str) -> None:
    with pytest.raises(UserError, match="layers: 4, where .* has 3"):
        found(checkpoint, 4)


def test_they_come_with_the_splits_in_their_order(tmp_path: Path) -> None:
    assert with_document_vectors(CORPUS, tmp_path) is CORPUS
    vectors = np.arange(24, dtype=np.float32).reshape(3, 8)
    save_document_vectors(tmp_path, vectors)
    corpus = with_document_vectors(CORPUS, tmp_path)
    assert np.array_equal(corpus.train_and_validation.vectors, vectors)
    assert np.array_equal(corpus.splits["train"].part(1, 2).vectors, vectors[1:2])
    assert np.array_equal(corpus.splits["train"].take(np.array([1, 0])).vectors, vectors[[1, 0]])


def test_damaged_ones_are_told_with_their_stage(tmp_path: Path) -> None:
    save_document_vectors(tmp_path, np.zeros((2, 8), np.float32))
    with pytest.raises(UserError, match=r"documents\.npy: .*run build_embedding again"):
        with_document_vectors(CORPUS, tmp_path)
