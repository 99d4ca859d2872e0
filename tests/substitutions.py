"""Documents of a few words, all that substitutes make of them, and nothing left out."""

import itertools

import torch
from hypothesis import strategies as st
from torch import Tensor

VOCABULARY = 9

documents = st.lists(st.integers(1, VOCABULARY - 1), min_size=1, max_size=5).map(torch.tensor)


def random_substitutes(seed: int, most: int = 2) -> Tensor:
    """Up to `most` substitutes of every token but `PAD`, itself first and wherever it has fewer."""
    generator = torch.Generator().manual_seed(seed)
    own = torch.arange(VOCABULARY)[:, None]
    others = torch.randint(1, VOCABULARY, (VOCABULARY, most), generator=generator)
    others = torch.where(torch.rand(others.shape, generator=generator) < 0.6, others, own)
    others[0] = 0
    return torch.cat([own, others], 1)


def every_substitution(document: Tensor, substitutes: Tensor, share: float = 1.0) -> Tensor:
    """All documents (n, T) that `document` (T,) may become, at most a `share` of its positions being substituted."""
    all_of_them = itertools.product(*(sorted(set(substitutes[token].tolist())) for token in document))
    found = torch.tensor([*all_of_them])
    return found[(found != document).sum(1) <= share * len(document)]
