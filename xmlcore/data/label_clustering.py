"""An order of labels in which like ones are neighbours, by halving them again and again (Prabhu et al. 2018)."""

import numpy as np
from scipy import sparse
from sklearn.preprocessing import normalize

from xmlcore.data.dataset import Split
from xmlcore.data.sampling import sample
from xmlcore.data.sparse_matrices import label_matrix, tfidf_matrix


def order_by_similarity(split: Split, labels: int, seed: int) -> np.ndarray:
    """Return an order (L,) of the labels in which balanced 2-means, again and again, has put like next to like.

    A label is the sum of the tf-idf vectors of its documents, of unit norm (Prabhu et al. 2018); of a large `split`,
    of those in a sample.
    """
    split = sample(split, seed)
    tfidf = tfidf_matrix(split, int(split.tokens.max()) + 1)
    return _in_halves(normalize(label_matrix(split, labels).T @ tfidf).tocsr(), np.random.default_rng(seed))


def _in_halves(features: sparse.csr_matrix, rng: np.random.Generator) -> np.ndarray:
    """Return the order of the rows; only groups that are still to be halved are kept in memory."""
    groups, ordered = [(np.arange(features.shape[0]), features)], list[np.ndarray]()
    del features
    while groups:
        members, rows = groups.pop()
        if len(members) < 3:
            ordered.append(members)
            continue
        first, second = _halves(rows, rng)
        groups += [(members[half], rows[half]) for half in (second, first)]
    return np.concatenate(ordered)


def _halves(rows: sparse.csr_matrix, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows of unit norm are in the one half by 2-means, and which in the other."""
    count = rows.shape[0]
    centres = rows[rng.choice(count, 2, replace=False)].toarray()
    middle = -(-count // 2)
    previous = np.full(count, -1)
    for _ in range(20):
        order = np.argsort(rows @ (centres[1] - centres[0]), kind="stable")
        if np.array_equal(order[:middle], previous[:middle]):
            break
        previous = order
        centres = normalize(np.vstack([np.asarray(rows[half].sum(0)) for half in (order[:middle], order[middle:])]))
    return order[:middle], order[middle:]
