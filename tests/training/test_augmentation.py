import numpy as np
import pytest
import torch

from xmlcore.data.tokens import PAD, UNK
from xmlcore.training import augmentation
from xmlcore.training.augmentation import NEIGHBOURS, drop_tokens, nearest_tokens, substitute_tokens


def test_dropped_tokens_are_the_asked_share_and_the_rest_keeps_its_order():
    rng, document = np.random.default_rng(0), np.arange(1000)
    shares = []
    for _ in range(300):
        kept = drop_tokens(document, 0.2, rng)
        assert (np.diff(kept) > 0).all()
        shares.append(1 - len(kept) / len(document))
    assert np.mean(shares) == pytest.approx(0.2, abs=0.02)
    assert max(shares) < 0.45
    assert all(len(drop_tokens(np.array([3]), 0.49, rng)) == 1 for _ in range(50))


def test_the_nearest_tokens_by_hand():
    table = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 0.1], [2.0, 0.0], [0.0, 3.0], [0.1, 1.0]])
    nearest = nearest_tokens(table)
    assert nearest[PAD].tolist() == [PAD] * 3
    assert nearest[UNK].tolist() == [UNK] * 3
    assert nearest[2:, 0].tolist() == [3, 2, 5, 4]
    assert all(set(row) == {2, 3, 4, 5} - {token} for token, row in enumerate(nearest[2:].tolist(), 2))


def test_the_nearest_tokens_do_not_depend_on_the_slices(monkeypatch):
    table = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    whole = nearest_tokens(table)
    assert whole.shape == (40, NEIGHBOURS)
    monkeypatch.setattr(augmentation, "SLICE", 7)
    assert np.array_equal(nearest_tokens(table), whole)


@pytest.mark.parametrize("tokens", [2, 3])
def test_a_vocabulary_without_neighbours_is_left_alone(tokens):
    assert nearest_tokens(torch.randn(tokens, 4)).tolist() == [[token] for token in range(tokens)]


def test_the_asked_share_of_tokens_is_substituted_by_neighbours():
    neighbours = np.arange(100)[:, None] * 10 + np.arange(1, 4)
    document = np.arange(100).repeat(50)
    rng = np.random.default_rng(0)
    changed = substitute_tokens(document, neighbours, 0.3, rng)
    differs = changed != document
    assert differs.mean() == pytest.approx(0.3, abs=0.02)
    assert (changed[differs] // 10 == document[differs]).all()
    assert np.unique(changed[differs] % 10).tolist() == [1, 2, 3]
    assert np.array_equal(substitute_tokens(document, neighbours, 0.0, rng), document)
