"""Some documents for all, where what is learned of a corpus would else take memory and time that grow with it."""

import numpy as np

from xmlcore.data.dataset import Split

ENOUGH = 1 << 25  # tokens: more change little of what is learned of words and labels


def sample(split: Split, seed: int, tokens: int = ENOUGH) -> Split:
    """Return `split` itself, or, if it has more than so many `tokens`, documents of it that have at most so many.

    They are drawn in rounds: first a document of each label, then a second one of each, and so on.
    """
    if len(split.tokens) <= tokens:
        return split
    order = np.random.default_rng(seed).permutation(len(split))
    turns = np.repeat(np.argsort(order), np.diff(split.label_offsets))  # of the document of each label
    by_label = np.lexsort((turns, split.labels))
    starts = np.unique(split.labels[by_label], return_index=True)[1]
    rounds = np.arange(len(turns)) - np.repeat(starts, np.diff(starts, append=len(turns)))
    first_round = np.full(len(split), len(split))  # of each turn; a document without labels comes last
    np.minimum.at(first_round, turns[by_label], rounds)
    chosen = order[np.argsort(first_round, kind="stable")]
    return split.take(np.sort(chosen[np.cumsum(split.lengths[chosen]) <= tokens]))
