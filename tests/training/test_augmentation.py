import numpy as np
import pytest

from xmlcore.training.augmentation import drop_tokens, substitute_tokens


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


def test_the_asked_share_of_tokens_becomes_one_of_their_substitutes_each_as_likely():
    tokens = np.arange(100)
    table = np.stack([tokens, tokens + 100, tokens + 200, tokens + 300], 1)
    document, rng = tokens.repeat(50), np.random.default_rng(0)
    changed = substitute_tokens(document, table, 0.3, rng)
    differs = changed != document
    assert differs.mean() == pytest.approx(0.3, abs=0.02)
    assert (changed % 100 == document).all()
    assert np.bincount(changed[differs] // 100) / differs.sum() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3], abs=0.05)
    assert np.array_equal(substitute_tokens(document, table, 0.0, rng), document)


def test_a_token_with_few_substitutes_takes_each_as_often_and_one_without_stays():
    table = np.array([[0, 0, 0], [1, 3, 1], [2, 4, 5]])
    changed = substitute_tokens(np.array([0, 1, 2]).repeat(2000), table, 1.0, np.random.default_rng(0))
    assert changed[:2000].tolist() == [0] * 2000 and changed[2000:4000].tolist() == [3] * 2000
    assert np.bincount(changed[4000:], minlength=6)[4:] / 2000 == pytest.approx([0.5, 0.5], abs=0.05)
