"""What stages write for one another."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse

from hostile.damage import damaged_text
from hostile.parsers.base import Files, Parser, finite, written
from hostile.parsers.corpora import RECORDS
from xmlcore.attacks.words.language import load_language, write_language
from xmlcore.attacks.words.sampling import Bin, Sample, read_samples, write_samples
from xmlcore.common.artifacts import written_by
from xmlcore.common.checkpoints import Checkpoint
from xmlcore.common.journal import Journal
from xmlcore.config.architectures import ARCHITECTURES
from xmlcore.config.params import Encode
from xmlcore.corpora.records import SPLITS, read_records
from xmlcore.data.dataset import load_encoded
from xmlcore.data.encoding import encode_corpus
from xmlcore.data.substitutes import load_table, write_substitutes
from xmlcore.data.text_reader import TextReader
from xmlcore.data.tokens import Vocabulary
from xmlcore.data.vector_tables import InitialVectors, load_vectors, save_vectors
from xmlcore.explain.documents import select_documents
from xmlcore.models.linear import LinearClassifier
from xmlcore.models.registry import build_model, load_token_classifier, save_model
from xmlcore.ranking.predictions import Predictions, read_predictions, untracked, write_predictions

VECTORS = np.random.default_rng(0).standard_normal((6, 4), np.float32)


@contextmanager
def records() -> Iterator[Path]:
    """A folder with the records of a converted corpus."""
    with tempfile.TemporaryDirectory() as folder:
        for split in SPLITS:
            Path(folder, f"{split}.tsv").write_bytes(RECORDS)
        yield Path(folder)


def write_encoded(folder: Path) -> None:
    with records() as converted:
        encode_corpus(converted, folder, Encode(min_count=1), 0, untracked)


def use_encoded(folder: Path) -> None:
    corpus = load_encoded(folder)
    assert isinstance(corpus.tokenize("some text"), list)
    for split in corpus.splits.values():
        for i in range(len(split)):
            assert all(corpus.vocabulary.tokens[token] is not None for token in split.document(i)), i
            assert len(split.document(i)) and split.document(i).min() >= 0
            assert all(corpus.label_names[label] for label in split.labels_of(i) if label >= 0)


def write_words(folder: Path) -> None:
    with records() as converted:
        write_language(converted, folder, Encode(min_count=1), 0, untracked)


def use_words(folder: Path) -> None:
    language = load_language(folder)
    size = len(language.vocabulary)
    finite(language.vectors[range(size)])
    finite(language.idf[range(size)])
    assert (language.idf.ndim, language.vectors.ndim) == (1, 2)


def use_substitutes(vocabulary: Vocabulary, folder: Path) -> None:
    table = load_table(folder, vocabulary)
    assert table[:, 0].tolist() == [*range(len(vocabulary))] and table.max() < len(vocabulary)


def write_model(architecture: str, network: dict[str, Any], folder: Path) -> None:
    torch.manual_seed(0)
    shape = ARCHITECTURES[architecture].network.model_validate(network)
    save_model(folder, build_model(architecture, VECTORS, 5, shape), architecture, shape)


def write_linear(folder: Path) -> None:
    weights = sparse.random_array((6, 7), density=0.5, format="csr", rng=0, dtype=np.float32)
    idf, biases = VECTORS[:, 0], VECTORS.ravel()[:7]
    LinearClassifier(idf, sparse.csr_matrix(weights), biases, np.array([0, 1, 1, 0, 1], np.int32)).save(folder)


def use_model(folder: Path) -> None:
    model = load_token_classifier(folder)
    with torch.inference_mode():
        logits = model(torch.tensor([[2, 3, 1], [1, 0, 0]]))
    assert logits.shape == (2, model.labels)


MODELS: dict[str, dict[str, Any]] = {
    "xml_cnn": {"windows": [2, 3], "filters": 3, "chunks": 2, "hidden": 6},
    "mach": {"repetitions": 2, "buckets": 3, "encoder": {"bag_of_words": {}}},
    "attention_xml": {"lstm": 2, "hidden": [3], "tree": [2], "candidates": 2},
    "ensemble": {
        "members": [
            {"width": 1, "encoder": {"bag_of_words": {}}},
            {"width": 3, "encoder": {"xml_cnn": {"windows": [2], "filters": 3, "hidden": 6}}},
        ]
    },
}


def write_best(folder: Path) -> None:
    labels = np.array([[3, 1], [0, 2]], np.int32)
    write_predictions(folder, Predictions(labels, np.array([[0.9, 0.1], [0.8, 0.7]], np.float32)))


def use_best(folder: Path) -> None:
    records = [*read_records(folder / "test.tsv")]
    names = ["a", "b", "c", "d"]
    reader = TextReader(Vocabulary([]), names, "words", 9)
    with written_by("predict", folder):
        documents = select_documents(records, read_predictions(folder), reader, [0, 1])
    for document in documents:
        assert all(each.name in names and 0 <= each.score <= 1 for each in document.predictions)


def best_files() -> Files:
    return written(write_best)() | {"test.tsv": RECORDS}


SAMPLES = [Sample("positive", 1, (0, 1), Bin(1, 2)), Sample("non_targeted", 0, (), None)]


def use_samples(folder: Path) -> None:
    samples = read_samples(folder / "targets.json", documents=5, labels=2)
    write_samples(samples, folder / "again.json")
    (folder / "again.json").unlink()
    assert all(type(each.document) is int and each.document >= 0 for each in samples)
    assert all(type(label) is int and label >= 0 for each in samples for label in each.labels)
    assert all(each.bin is None or (each.bin.lowest >= 0 and each.bin.highest >= 0) for each in samples)


VALUES = [[{"success": True, "words": ["naïve", "\n"]}], [], [{"success": False, "words": []}]]


def write_journal(folder: Path) -> None:
    journal = Journal(folder / "journal", "fingerprint")
    for value in VALUES:
        journal.append(value)


def use_journal(folder: Path) -> None:
    """What is left of a damaged journal is what was written into it."""
    journal = Journal(folder / "journal", "fingerprint")
    assert [journal[i] for i in range(len(journal))] == VALUES[: len(journal)]


STATE = {"model": [torch.arange(6.0), torch.tensor(3)], "place": [2, 0.1], "random": {"state": 2**100}}


def write_checkpoint(folder: Path) -> None:
    Checkpoint(folder / "training", "fingerprint").save(STATE)


def use_checkpoint(folder: Path) -> None:
    """A damaged training is dropped, and a whole one is what was stored."""
    found = Checkpoint(folder / "training", "fingerprint").load()
    assert found is None or repr(found) == repr(STATE)


def parsers() -> Iterator[Parser]:
    encoded = written(write_encoded)
    for target in ("vocabulary.txt", "labels.tsv", *(f"train/{name}.bin" for name in ("tokens", "token_offsets"))):
        yield Parser(f"encoded {target}", encoded, target, use_encoded)
    for target in ("test/labels.bin", "validation/label_offsets.bin"):
        yield Parser(f"encoded {target}", encoded, target, use_encoded)
    yield Parser("encoded text.json", encoded, "text.json", use_encoded, damaged_text)
    vectors = written(partial(save_vectors, vectors=InitialVectors(VECTORS, VECTORS)))
    vocabulary = Vocabulary("abcd")
    yield Parser("embeddings", vectors, "refit.npy", lambda it: finite(load_vectors(it, vocabulary).refit))
    substitutes = written(partial(write_substitutes, substitutes={"a": ["b", "c"], "d": ["a"]}))
    yield Parser("substitutes", substitutes, "substitutes.json", partial(use_substitutes, vocabulary), damaged_text)
    for target in ("idf.npy", "vectors.npy"):
        yield Parser(f"words {target}", written(write_words), target, use_words)
    for architecture, network in MODELS.items():
        files = written(partial(write_model, architecture, network))
        yield Parser(f"model {architecture} config.json", files, "config.json", use_model, damaged_text)
        yield Parser(f"model {architecture} weights", files, "weights.safetensors", use_model)
    linear = written(write_linear)
    yield Parser("model linear config.json", linear, "config.json", use_model, damaged_text)
    yield Parser("model linear weights", linear, "weights.safetensors", use_model)
    for target in ("labels.npy", "scores.npy"):
        yield Parser(f"predictions {target}", best_files, target, use_best)
    samples = written(lambda folder: write_samples(SAMPLES, folder / "targets.json"))
    yield Parser("targets.json", samples, "targets.json", use_samples, damaged_text)
    yield Parser("training", written(write_checkpoint), "training", use_checkpoint)
    yield Parser("journal", written(write_journal), "journal", use_journal)
