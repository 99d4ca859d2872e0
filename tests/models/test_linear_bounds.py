"""No substitution leaves the bounds of a linear classifier, whatever its groups, and they are not idle."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from torch.nn import functional

from substitutions import VOCABULARY, documents, every_substitution, random_substitutes
from xmlcore.models.linear import LinearClassifier

LABELS = 5
shares = st.sampled_from([1.0, 0.5, 0.25, 0.0])
groupings = st.sampled_from([[0] * 5, [0, 0, 0, 1, 1], [0, 1, 2, 3, 4]])


def random_classifier(seed: int, group_of: list[int]) -> LinearClassifier:
    """Distances are small and large; a single group has all documents, as where labels are few."""
    rng = np.random.default_rng(seed)
    groups = max(group_of) + 1
    weights = rng.normal(0, 2, (VOCABULARY, groups + LABELS)).astype(np.float32)
    biases = rng.normal(0, 1, groups + LABELS).astype(np.float32)
    if groups == 1:
        weights[:, 0], biases[0] = 0, 1e3
    idf = rng.uniform(1, 4, VOCABULARY).astype(np.float32)
    return LinearClassifier(idf, sparse.csr_matrix(weights), biases, np.array(group_of, np.int32))


@given(st.integers(0, 10**6), documents, shares, groupings)
def test_no_substitution_leaves_the_bounds(seed, document, share, group_of):
    model, substitutes = random_classifier(seed, group_of), random_substitutes(seed)
    bounds = model.token_bounds(functional.pad(document, (0, 2))[None], substitutes, share)
    own, low, high = (each[0] for each in bounds.logits())
    scores = model(every_substitution(document, substitutes, share)).double()
    error = 1e-5 * bounds.magnitude()[0]
    torch.testing.assert_close(own, model(document[None])[0].double(), rtol=1e-5, atol=1e-4)
    assert (low - error <= scores).all() and (scores <= high + error).all()
    differences = (scores[:, :, None] - scores[:, None, :]).amin(0)
    every = torch.arange(LABELS)
    found = bounds.margins(torch.zeros_like(every), every, every.repeat(LABELS, 1))
    assert (found <= differences + error[:, None] + error).all()


@given(st.integers(0, 10**6), st.permutations(range(1, VOCABULARY)), groupings)
def test_without_substitutes_they_are_the_scores_and_their_differences(seed, words, group_of):
    model, document = random_classifier(seed, group_of), torch.tensor([*words[:4], words[0]])
    bounds = model.token_bounds(document[None], torch.arange(VOCABULARY)[:, None])
    scores, error = model(document[None])[0], 1e-4 * bounds.magnitude()[0]
    for each in bounds.logits():
        assert ((each[0] - scores).abs() <= error).all()
    every = torch.arange(LABELS)
    found = bounds.margins(torch.zeros_like(every), every, every.repeat(LABELS, 1))
    assert ((found - (scores[:, None] - scores)).abs() <= error[:, None] + error).all()


@given(st.integers(0, 10**6))
def test_of_distinct_words_it_is_nearly_exact_which_of_two_labels_can_be_first(seed):
    """A word that is there once or not has a value on the line; what is left open is the norm, and no bias needs it."""
    model, document = random_classifier(seed, [0] * LABELS), torch.arange(1, 5)
    model._biases[1:] = 0
    substitutes = torch.stack([torch.arange(VOCABULARY), torch.arange(VOCABULARY)], 1)
    substitutes[1:5, 1] += 4  # none of them is a word of the document, and none has two
    scores = model(every_substitution(document, substitutes)).double()
    differences = (scores[:, :, None] - scores[:, None, :]).amin(0)
    every = torch.arange(LABELS)
    bounds = model.token_bounds(document[None], substitutes)
    found = bounds.margins(torch.zeros_like(every), every, every.repeat(LABELS, 1))
    doubtful = differences.abs() < 1e-4
    assert torch.equal(found[~doubtful] > 0, differences[~doubtful] > 0)
