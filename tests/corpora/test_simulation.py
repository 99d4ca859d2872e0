"""Simulated corpora: official formats, RCV1's hierarchy, power laws, word order, determinism."""

import gzip
import re
from collections import Counter
from itertools import chain
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from xmlcore.common.errors import UserError
from xmlcore.config.params import Simulation
from xmlcore.corpora.simulation.grammar import ANYTHING, Grammar
from xmlcore.corpora.simulation.mirror import available_labels, write_mirror
from xmlcore.corpora.simulation.newswire import Newswire
from xmlcore.corpora.simulation.stemming import stemmed_tokens
from xmlcore.corpora.simulation.topics import Hierarchy

TOKEN_FILES = ["lyrl2004_tokens_train.dat.gz", *(f"lyrl2004_tokens_test_pt{part}.dat.gz" for part in range(4))]
PAIRS = [("E131", "E132"), ("C311", "C312"), ("M131", "M132"), ("GDIP", "GVIO"), ("C181", "C182")]


def simulation(kind: str, **changes: int) -> Simulation:
    labels = {"rcv1": 103, "eurlex": 500}[kind]
    sizes = {"train_documents": 300, "test_documents": 101, "labels": labels, "mean_tokens": 40}
    return Simulation.model_validate({"kind": kind} | sizes | changes)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mirror")
    for kind in ("rcv1", "eurlex"):
        write_mirror(kind, simulation(kind), 1, folder)
    return folder


def read_stories(path: Path) -> dict[int, list[str]]:
    documents = gzip.decompress(path.read_bytes()).decode().split("\n\n")
    assert documents.pop() == ""
    stories = {}
    for document in documents:
        head, marker, *lines = document.split("\n")
        assert re.fullmatch(r"\.I \d+", head)
        assert marker == ".W"
        assert lines
        assert all(re.fullmatch(r"[a-z0-9.]+( [a-z0-9.]+){0,9}", line) for line in lines)
        stories[int(head[3:])] = " ".join(lines).split()
    return stories


def read_topics(folder: Path) -> dict[int, set[str]]:
    topics: dict[int, set[str]] = {}
    for line in gzip.decompress((folder / "rcv1-v2.topics.qrels.gz").read_bytes()).decode().splitlines():
        topic, doc_id, relevance = line.split(" ")
        assert relevance == "1"
        topics.setdefault(int(doc_id), set()).add(topic)
    return topics


def read_rows(path: Path) -> tuple[list[int], list[tuple[list[int], dict[int, float]]]]:
    header, *lines = path.read_text().splitlines()
    rows = []
    for line in lines:
        labels, *cells = line.split(" ")
        pairs = [cell.split(":") for cell in cells]
        assert all(re.fullmatch(r"[01]\.\d{6}", weight) for _, weight in pairs)
        features = [int(feature) for feature, _ in pairs]
        assert features == sorted(set(features))
        weights = (float(weight) for _, weight in pairs)
        rows.append(([int(label) for label in labels.split(",")], dict(zip(features, weights, strict=True))))
    return [int(number) for number in header.split(" ")], rows


def test_rcv1_files_hold_every_document_once_with_train_before_test(mirror: Path) -> None:
    parts = [read_stories(mirror / "rcv1" / name) for name in TOKEN_FILES]
    assert [len(part) for part in parts] == [300, 25, 25, 25, 26]
    ids = list(chain(*parts))
    assert ids == sorted(set(ids))
    assert (ids[0], ids[300]) == (2286, 26151)
    assert read_topics(mirror / "rcv1").keys() == set(ids)


def test_rcv1_lengths_and_labels_are_as_asked(mirror: Path) -> None:
    stories = read_stories(mirror / "rcv1" / TOKEN_FILES[0])
    assert np.mean([len(tokens) for tokens in stories.values()]) == pytest.approx(40, rel=0.1)
    topics = read_topics(mirror / "rcv1").values()
    assert np.mean([len(codes) for codes in topics]) == pytest.approx(3.2, abs=0.3)


def test_hierarchy_is_rcv1s() -> None:
    hierarchy = Hierarchy.of_rcv1()
    assert len(hierarchy.topics) == 103
    assert hierarchy.with_ancestors("C1511") == ["C1511", "C151", "C15", "CCAT"]
    roots = [topic.code for topic in hierarchy.topics.values() if topic.parent is None]
    assert roots == ["CCAT", "ECAT", "GCAT", "MCAT"]
    assert all(code in hierarchy.topics for topic in hierarchy.topics.values() for code in topic.companions)


@pytest.mark.parametrize("labels", [1, 5, 20, 60, 103])
def test_topics_of_a_story_are_closed_under_parents(labels: int) -> None:
    newswire = Newswire(labels, mean_tokens=5)
    stories = list(newswire.stories(200, np.random.default_rng(0)))
    for story in stories:
        assert story.topics
        assert {code for topic in story.topics for code in newswire.hierarchy.with_ancestors(topic)} <= {*story.topics}
    assert len(newswire.labels) == labels
    assert {topic for story in stories for topic in story.topics} <= newswire.labels


def test_every_topic_occurs_and_frequencies_follow_a_power_law() -> None:
    stories = Newswire(103, mean_tokens=5).stories(2000, np.random.default_rng(0))
    frequencies = Counter(topic for story in stories for topic in story.topics)
    assert len(frequencies) == 103
    assert max(frequencies.values()) > 10 * median(frequencies.values())


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_paired_topics_share_sentences_that_differ_in_word_order_alone(pair: tuple[str, str]) -> None:
    grammar = Grammar.of_newswire()
    first, second = (grammar.templates[topic] for topic in pair)
    paired = 0
    for one, other in zip(first, second, strict=False):
        tokens = []
        for template in (one, other):
            rng = np.random.default_rng(7)
            tokens.append(stemmed_tokens(grammar.sentence(template, grammar.cast(rng), rng)))
        if Counter(tokens[0]) == Counter(tokens[1]):
            assert tokens[0] != tokens[1]
            paired += 1
    assert paired >= 3


def test_consumer_and_wholesale_prices_have_no_sentence_but_shared_ones() -> None:
    templates = Grammar.of_newswire().templates
    swap = {"consumer": "wholesale", "wholesale": "consumer"}
    mirrored = [re.sub("consumer|wholesale", lambda word: swap[word[0]], line) for line in templates["E131"]]
    assert mirrored == templates["E132"]


def test_every_sentence_of_the_grammar_is_written_out_in_full() -> None:
    newswire, rng = Newswire(103, 60), np.random.default_rng(0)
    assert newswire.grammar.templates.keys() == {*newswire.subjects, ANYTHING}
    for template in chain(*newswire.grammar.templates.values()):
        for _ in range(5):
            sentence = newswire.grammar.sentence(template, newswire.grammar.cast(rng), rng)
            assert not set(sentence) & set("{}()|/")
            assert sentence[-1] in ".?!"
            assert stemmed_tokens(sentence)


def test_tokens_are_stemmed_without_stop_words_in_order() -> None:
    assert stemmed_tokens("The company's shares rose 2.5 percent, and its PROFITS fell") == [
        *("compani", "share", "rose", "2.5", "percent", "profit", "fell")
    ]


def test_eurlex_files_agree_with_their_headers_and_names(mirror: Path) -> None:
    features, labels = (
        (mirror / "eurlex" / f"eurlex_{kind}.txt").read_text().splitlines() for kind in ("features", "labels")
    )
    assert len(set(labels)) == len(labels) == 500
    assert len(set(features)) == len(features) > 2000
    assert not any(re.search(r"\s", name) for name in [*features, *labels])
    for split, documents in (("train", 300), ("test", 101)):
        header, rows = read_rows(mirror / "eurlex" / f"eurlex_{split}.txt")
        assert header == [documents, len(features), len(labels)]
        assert len(rows) == documents
        for row_labels, weights in rows:
            assert row_labels == sorted(set(row_labels))
            assert 0 <= min(row_labels) <= max(row_labels) < len(labels)
            assert 0 <= min(weights) <= max(weights) < len(features)
            assert np.linalg.norm(list(weights.values())) == pytest.approx(1, abs=1e-4)


def test_eurlex_lengths_and_long_tail(mirror: Path) -> None:
    _, rows = read_rows(mirror / "eurlex" / "eurlex_train.txt")
    assert np.mean([len(weights) for _, weights in rows]) == pytest.approx(40, rel=0.1)
    frequencies = Counter(label for labels, _ in rows for label in labels)
    assert max(frequencies.values()) > 10 * median(frequencies.values())


def test_eurlex_documents_use_the_words_of_their_labels(mirror: Path) -> None:
    features = (mirror / "eurlex" / "eurlex_features.txt").read_text().splitlines()
    labels = (mirror / "eurlex" / "eurlex_labels.txt").read_text().splitlines()
    _, rows = read_rows(mirror / "eurlex" / "eurlex_train.txt")
    milk, word = labels.index("milk"), features.index("dairy")
    with_label = [word in weights for row_labels, weights in rows if milk in row_labels]
    without = [word in weights for row_labels, weights in rows if milk not in row_labels]
    assert np.mean(with_label) > 0.5 > 5 * np.mean(without)


@pytest.mark.parametrize("kind", ["rcv1", "eurlex"])
def test_files_are_a_function_of_simulation_and_seed(kind: str, mirror: Path, tmp_path: Path) -> None:
    write_mirror(kind, simulation(kind), 1, tmp_path / "again")
    write_mirror(kind, simulation(kind), 2, tmp_path / "other")
    for path in sorted((mirror / kind).iterdir()):
        assert (tmp_path / "again" / kind / path.name).read_bytes() == path.read_bytes()
        if path.name != "eurlex_labels.txt":
            assert (tmp_path / "other" / kind / path.name).read_bytes() != path.read_bytes()


@pytest.mark.parametrize("kind", ["rcv1", "eurlex"])
def test_one_document_and_one_label_are_enough(kind: str, tmp_path: Path) -> None:
    least = simulation(kind, train_documents=1, test_documents=1, labels=1, mean_tokens=1)
    write_mirror("least", least, 0, tmp_path)
    if kind == "rcv1":
        assert list(read_topics(tmp_path / "least").values()) == [{"CCAT"}, {"CCAT"}]
    else:
        assert [labels for labels, _ in read_rows(tmp_path / "least" / "eurlex_test.txt")[1]] == [[0]]


@pytest.mark.parametrize("kind", ["rcv1", "eurlex"])
def test_more_labels_than_there_are_is_a_mistake_of_the_user(kind: str, tmp_path: Path) -> None:
    most = available_labels(kind)
    with pytest.raises(
        UserError, match=rf"corpus\.big\.fetch\.simulation\.labels is {most + 1}.* give {most} or fewer"
    ):
        write_mirror("big", simulation(kind, labels=most + 1), 0, tmp_path)
    assert not list(tmp_path.iterdir())
