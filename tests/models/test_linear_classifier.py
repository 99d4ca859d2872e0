"""The linear classifier as a model: its scores by hand, what stands for what, and its files."""

import json

import numpy as np
import pytest
import torch
from scipy import sparse

from toys import topics
from xmlcore.baselines.linear import fit_linear
from xmlcore.common.errors import UserError
from xmlcore.config.params import Baseline
from xmlcore.data.batches import pad
from xmlcore.models.linear import LinearClassifier
from xmlcore.models.registry import load_model, load_token_classifier

LABELS, WORDS = 40, 100
SPLIT = topics(60, 1)
TOKENS = pad([SPLIT.document(i) for i in range(len(SPLIT))])


@pytest.fixture(scope="module", params=[200, 10], ids=["one group", "groups of ten"])
def model(request):
    return fit_linear(topics(300, 0), LABELS, WORDS, Baseline(group=request.param), seed=7)


def by_hand(groups: int) -> LinearClassifier:
    """Three words, two labels; of two groups each label has its own, or both are in a group of all documents."""
    idf = np.array([1, 1, 2, 1, 3], np.float32)  # of padding, the unknown word and three words
    of_labels = np.array([[0, 0], [0, 0], [2, -1], [0, 3], [0.5, 0]], np.float32)
    of_groups = np.zeros((5, groups), np.float32)
    biases = [1e3] * groups
    if groups == 2:
        of_groups[2:, 0], biases = [1, -1, 0], [0.25, 1e3]
    weights = sparse.csr_matrix(np.hstack([of_groups, of_labels]))
    return LinearClassifier(
        idf, weights, np.array([*biases, -0.5, 0.1], np.float32), np.arange(2, dtype=np.int32) % groups
    )


def test_the_score_is_the_distance_by_hand():
    value = 2 * (1 + np.log(2)), 1.0  # of the words 2, which is there twice, and 3
    x = np.array(value) / np.hypot(*value)  # of length 1
    found = by_hand(1)(torch.tensor([[2, 3, 2, 0]]))[0]
    assert found.tolist() == pytest.approx([2 * x[0] - 0.5, -x[0] + 3 * x[1] + 0.1], abs=1e-6)


@pytest.mark.parametrize("tokens", [[2], [3], [2, 3, 3], [4, 3], [1]])
def test_the_probability_is_that_of_the_group_times_its_own(tokens):
    model = by_hand(2)
    distances = [by_hand(1)(torch.tensor([tokens]))[0, 0].item(), 0.25]
    counts = np.bincount(tokens, minlength=5)
    values = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * [1, 1, 2, 1, 3]
    distances[1] += (values @ [0, 0, 1, -1, 0]) / np.linalg.norm(values)
    scores = model(torch.tensor([tokens]))
    expected = np.prod([np.exp(-(max(0, 1 - each) ** 2)) for each in distances])
    assert model.probabilities(scores)[0, 0].item() == pytest.approx(expected, rel=1e-5)


def test_labels_that_are_equally_certain_have_a_rank():
    of_labels = np.array([[0, 0], [0, 0], [4, 3]], np.float32)
    weights = sparse.csr_matrix(np.hstack([np.zeros((3, 1), np.float32), of_labels]))
    one_group = np.zeros(2, np.int32)
    model = LinearClassifier(np.ones(3, np.float32), weights, np.array([1e3, 0, 0], np.float32), one_group)
    scores = model(torch.tensor([[2]]))
    assert model.probabilities(scores).tolist() == [[1, 1]]
    assert scores.tolist() == [[4, 3]]


def test_documents_of_any_length_are_scored_alone(model):
    alone = torch.cat([model(torch.from_numpy(SPLIT.document(i)[None].astype(np.int64))) for i in range(len(SPLIT))])
    torch.testing.assert_close(model(TOKENS), alone)


def test_a_narrowed_classifier_scores_as_the_whole(model):
    labels = [7, 39, 0, 7]
    narrowed = model.narrow(torch.tensor(labels))
    assert narrowed.labels == 4
    torch.testing.assert_close(narrowed(TOKENS), model(TOKENS)[:, labels])


@pytest.mark.parametrize("length", [1, 2, 9])
def test_substitutes_are_scored_as_the_substituted_documents(model, length):
    """Words that are there once or more, are put in where they are already, come anew, or stand for themselves."""
    rng = np.random.default_rng(length)
    tokens = torch.from_numpy(rng.integers(1, 12, length))
    positions, substitutes = (torch.from_numpy(rng.integers(low, high, 400)) for low, high in ((0, length), (1, WORDS)))
    substitutes[:200] = tokens[rng.integers(0, length, 200)]
    copies = tokens.repeat(400, 1)
    copies[torch.arange(400), positions] = substitutes
    found = model.score_substitutes(tokens, positions, substitutes)
    torch.testing.assert_close(found, model(copies), rtol=1e-5, atol=1e-5)


def test_preferences_are_what_the_objective_says_of_every_substitute(model):
    tokens = torch.from_numpy(SPLIT.document(0).astype(np.int64))
    found = model.preferences(tokens, 1, [3, 5], lambda scores: scores[..., 0] - scores[..., 1])
    copies = tokens.repeat(WORDS, 1)
    copies[:, 1] = torch.arange(WORDS)
    scores = model(copies[1:])
    torch.testing.assert_close(found[1:], scores[:, 3] - scores[:, 5], rtol=1e-5, atol=1e-5)
    assert {7, 8} & set(found.topk(3).indices.tolist())  # the words that tell label 3


def test_its_vectors_are_tf_idf_values(model):
    vectors = model.document_vectors(TOKENS[:2])
    assert vectors.shape == (2, WORDS)
    assert set(vectors[0].nonzero()[:, 0].tolist()) == set(SPLIT.document(0).tolist())


def test_it_comes_back_as_it_was(model, tmp_path):
    model.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "weights.safetensors"]
    loaded = load_token_classifier(tmp_path)
    assert (loaded.labels, loaded.vocabulary_size) == (LABELS, WORDS)
    assert torch.equal(loaded(TOKENS), model(TOKENS))


def test_where_embeddings_are_needed_it_is_refused(model, tmp_path):
    model.save(tmp_path)
    with pytest.raises(UserError, match="does not apply to a model without embeddings"):
        load_model(tmp_path)


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "weights.safetensors").write_bytes(b""),
        lambda folder: change_config(folder, labels=LABELS - 1),
        lambda folder: change_config(folder, vocabulary=10**12),
        lambda folder: change_config(folder, groups=0),
        lambda folder: change_config(folder, layers=3),
    ],
    ids=["weights", "labels", "vocabulary", "groups", "unknown key"],
)
def test_a_spoiled_one_is_refused_with_its_folder_and_the_mend(model, tmp_path, spoil):
    model.save(tmp_path)
    spoil(tmp_path)
    with pytest.raises(UserError, match=f"(?s){tmp_path}: damaged, or not what baseline writes .*; run baseline again"):
        load_token_classifier(tmp_path)


@pytest.mark.parametrize("name", ["idf", "weights", "columns", "rows", "biases", "group_of"])
def test_numbers_that_cannot_be_are_refused(model, tmp_path, name):
    from safetensors.numpy import load_file, save_file

    model.save(tmp_path)
    tensors = load_file(tmp_path / "weights.safetensors")
    tensors[name] = tensors[name].copy()
    tensors[name][-1] = np.nan if tensors[name].dtype == np.float32 else 10**6
    save_file(tensors, tmp_path / "weights.safetensors")
    with pytest.raises(UserError, match="run baseline again"):
        load_token_classifier(tmp_path)
