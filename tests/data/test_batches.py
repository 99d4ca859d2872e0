import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from toys import split_of
from xmlcore.data.batches import TrueLabels, batches, pad, true_labels
from xmlcore.data.dataset import UNSEEN_LABEL

lengths = st.lists(st.integers(1, 50), min_size=1, max_size=100).map(np.array)


@given(lengths, st.integers(1, 9), st.booleans())
def test_every_document_comes_once(lengths, batch_size, shuffled):
    found = list(batches(lengths, batch_size, np.random.default_rng(0) if shuffled else None))
    assert sorted(np.concatenate(found)) == list(range(len(lengths)))
    assert max(map(len, found)) <= batch_size
    assert len(found) == -(-len(lengths) // batch_size)


def test_unshuffled_they_come_by_length_then_index():
    assert [batch.tolist() for batch in batches(np.array([3, 1, 3, 2]), 2)] == [[1, 3], [0, 2]]


def test_shuffling_is_seeded_and_keeps_similar_lengths_together():
    lengths = np.random.default_rng(1).integers(1, 200, 640)

    def shuffled(seed):
        return [batch.tolist() for batch in batches(lengths, 8, np.random.default_rng(seed))]

    assert shuffled(0) == shuffled(0)
    assert shuffled(0) != shuffled(1)
    assert np.mean([np.ptp(lengths[batch]) for batch in shuffled(0)]) < 40
    first = [lengths[batch].mean() for batch in shuffled(0)]
    assert first != sorted(first)


def test_padding_is_on_the_right():
    documents = [np.array([5]), np.array([2, 3, 4])]
    assert pad(documents).tolist() == [[5, 0, 0], [2, 3, 4]]
    assert pad(documents, 4).tolist() == [[5, 0, 0, 0], [2, 3, 4, 0]]


def test_a_document_longer_than_the_width_is_refused():
    with pytest.raises(ValueError):
        pad([np.array([2, 3, 4])], 2)


SPLIT = split_of([[1]] * 4, [[0, 2], [], [UNSEEN_LABEL, 1], [UNSEEN_LABEL]])
ORDER = np.array([2, 0, 1, 3])
WEIGHTS = torch.tensor([4.0, 5.0, 6.0])


def test_targets():
    labels = true_labels(SPLIT, ORDER)
    assert labels.targets(labels.ids, 3).tolist() == [[0, 1, 0], [1, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_a_target_is_the_weight_of_its_label():
    labels = true_labels(SPLIT, ORDER, WEIGHTS)
    assert labels.targets(labels.ids, 3).tolist() == [[0, 5, 0], [4, 0, 6], [0, 0, 0], [0, 0, 0]]


def test_true_labels_are_as_wide_as_the_longest_and_leave_out_what_training_has_not_seen():
    labels = true_labels(SPLIT, ORDER, WEIGHTS)
    assert labels.ids.tolist() == [[1, -1], [0, 2], [-1, -1], [-1, -1]]
    assert labels.weights.tolist() == [[5, 0], [4, 6], [0, 0], [0, 0]]


@pytest.mark.parametrize("documents", [[1], [3], [1, 3]])
def test_documents_without_a_known_label_have_no_target(documents):
    labels = true_labels(SPLIT, np.array(documents), WEIGHTS)
    assert labels.ids.shape == (len(documents), 0)
    assert labels.targets(labels.ids, 3).tolist() == [[0, 0, 0]] * len(documents)


def test_where_columns_meet_the_target_is_the_largest_weight():
    labels = TrueLabels(torch.tensor([[0, 1, 2], [1, 2, -1]]), torch.tensor([[4.0, 5.0, 6.0], [5.0, 6.0, 0.0]]))
    columns = torch.tensor([[1, 0, 1], [1, 1, 0]])
    assert labels.targets(columns, 2).tolist() == [[5, 6], [0, 6]]


@pytest.mark.parametrize("chosen", [slice(1, 3), torch.tensor([1, 2])])
def test_the_labels_of_some_documents(chosen):
    labels = true_labels(SPLIT, ORDER, WEIGHTS)
    some = labels.of(chosen)
    assert some.targets(some.ids, 3).tolist() == [[4, 0, 6], [0, 0, 0]]
