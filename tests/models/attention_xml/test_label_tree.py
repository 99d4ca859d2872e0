import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from toys import split_of
from xmlcore.data.label_clustering import order_by_similarity
from xmlcore.models.attention_xml.label_tree import LabelTree

trees = st.integers(9, 70).flatmap(
    lambda labels: st.tuples(st.just(labels), st.sampled_from([[], [2], [8], [2, 4], [2, 8], [4, 8]]))
)


def shuffled(labels: int, groups: list[int]) -> LabelTree:
    tree = LabelTree(labels, groups)
    tree.arrange(np.random.default_rng(labels).permutation(labels))
    return tree


@given(trees)
def test_a_label_lies_below_the_parent_of_its_node(shape):
    tree = shuffled(*shape)
    labels = torch.arange(shape[0])
    for level in range(1, len(tree.sizes)):
        parents = tree.parents(level)[tree.nodes_of(labels, level)]
        assert torch.equal(parents, tree.nodes_of(labels, level - 1))


@given(trees)
def test_families_are_whole_and_disjoint(shape):
    tree = shuffled(*shape)
    for level in range(1, len(tree.sizes)):
        everyone = torch.arange(tree.sizes[level - 1])[None]
        nodes, valid = tree.families(everyone, level)
        assert nodes[valid].tolist() == [*range(tree.sizes[level])]
        parents = everyone[0].repeat_interleave(nodes.shape[1] // everyone.shape[1])
        assert torch.equal(tree.parents(level)[nodes[0]], parents)  # stand-ins are of the family too


@given(trees)
def test_families_are_of_equal_size_but_for_one(shape):
    tree = shuffled(*shape)
    for level in range(1, len(tree.sizes)):
        counts = tree.parents(level).bincount()
        assert counts.max() - counts.min() <= 1


def test_the_nodes_of_the_last_level_are_the_labels_in_order():
    tree = LabelTree(3, [2])
    tree.arrange(np.array([2, 0, 1]))
    assert tree.nodes_of(torch.tensor([2, 0, 1]), 1).tolist() == [0, 1, 2]
    assert tree.nodes_of(torch.tensor([2, 0, 1]), 0).tolist() == [0, 0, 1]


def test_a_group_is_there_when_one_of_its_labels_is():
    tree = LabelTree(4, [2])
    tree.arrange(np.array([3, 1, 0, 2]))
    shares = torch.tensor([0.1, 0.2, 0.3, 0.4])
    groups, labels = tree.node_log_probabilities(shares.log())
    assert groups.exp().tolist() == pytest.approx([1 - 0.6 * 0.8, 1 - 0.9 * 0.7])
    assert labels.exp().tolist() == pytest.approx([0.4, 0.2, 0.1, 0.3])


def test_labels_of_like_documents_become_neighbours():
    """Sixteen labels in four topics, whose documents share words; the labels of a topic are far apart by number."""
    rng = np.random.default_rng(0)
    documents, labels = [], []
    for label in range(16):
        for _ in range(4):
            topic = label % 4
            documents.append(1 + 10 * topic + rng.integers(0, 10, 8))
            labels.append([label])
    order = order_by_similarity(split_of(documents, labels), 16, seed=3)
    assert sorted(order) == [*range(16)]
    assert all(len({label % 4 for label in order[i : i + 4]}) == 1 for i in range(0, 16, 4))


def test_the_same_seed_gives_the_same_order():
    split = split_of([[1, 2], [2, 3], [4, 5], [5, 6]] * 3, [[i] for i in range(12)])
    assert np.array_equal(order_by_similarity(split, 13, 1), order_by_similarity(split, 13, 1))
