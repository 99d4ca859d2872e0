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
    features = normalize(label_matrix(split, labels).T @ tfidf).tocsr()
    return _halved(features, np.arange(labels), np.random.default_rng(seed))


def _halved(features: sparse.csr_matrix, members: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if len(members) < 3:
        return members
    similarity = features[members]
    centres = similarity[rng.choice(len(members), 2, replace=False)].toarray()
    middle = -(-len(members) // 2)
    previous = np.full(len(members), -1)
    for _ in range(20):
        order = np.argsort(similarity @ (centres[1] - centres[0]), kind="stable")
        if np.array_equal(order[:middle], previous[:middle]):
            break
        previous = order
        halves = similarity[order[:middle]], similarity[order[middle:]]
        centres = normalize(np.vstack([np.asarray(half.sum(0)) for half in halves]))
    return np.concatenate([_halved(features, members[half], rng) for half in (order[:middle], order[middle:])])
