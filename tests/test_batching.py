import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import split_of

from xmlcore.batching import batches, multi_hot, pad
from xmlcore.encoding import UNSEEN_LABEL

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


def test_targets():
    split = split_of([[1]] * 4, [[0, 2], [], [UNSEEN_LABEL, 1], [UNSEEN_LABEL]])
    assert multi_hot(split, np.array([2, 0, 1, 3]), 3).tolist() == [[0, 1, 0], [1, 0, 1], [0, 0, 0], [0, 0, 0]]
