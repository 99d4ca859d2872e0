import numpy as np

from toys import split_of
from xmlcore.data.dataset import ARRAYS, Split
from xmlcore.data.sampling import sample

LABELS = [*([0, 1 + i % 7] for i in range(90)), *([0, 8 + i] for i in range(9)), []]
SPLIT = split_of([[2 + i] * (1 + i % 5) for i in range(100)], LABELS)


def same(one: Split, other: Split) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ARRAYS)


def documents(split: Split) -> list[int]:
    return [int(split.document(i)[0]) - 2 for i in range(len(split))]


def test_a_sample_has_a_document_of_each_label_then_another():
    found = sample(SPLIT, seed=1, tokens=75)
    assert 70 < len(found.tokens) <= 75
    counts = np.bincount(found.labels, minlength=17)
    assert (counts[8:] == 1).all()  # labels of one document each
    assert counts[1:8].min() >= 2
    assert np.ptp(counts[1:8]) <= 1
    assert 99 not in documents(found)


def test_documents_are_whole_and_in_their_order():
    found = sample(SPLIT, seed=1, tokens=75)
    chosen = documents(found)
    assert chosen == sorted(set(chosen))
    assert same(found, SPLIT.take(np.array(chosen)))
    for place, document in enumerate(chosen):
        assert np.array_equal(found.document(place), SPLIT.document(document))
        assert np.array_equal(found.labels_of(place), SPLIT.labels_of(document))


def test_the_seed_draws_and_a_small_split_stays_as_it_is():
    assert same(sample(SPLIT, 1, 75), sample(SPLIT, 1, 75))
    assert not same(sample(SPLIT, 1, 75), sample(SPLIT, 2, 75))
    assert sample(SPLIT, 1, len(SPLIT.tokens)) is SPLIT


def test_without_labels_documents_are_drawn_at_random():
    split = split_of([[1, 2]] * 10, [[]] * 10)
    assert len(sample(split, 0, 7)) == 3
