"""A linear classifier on tf-idf: its scores, those of documents that differ in a word, and its files.

It reads words and no vectors: it has no embeddings, and attacks on embeddings do not apply to it. It is fitted in
`xmlcore.baselines.linear`.

With weights w and bias b of a label, and x the tf-idf values of a document, scaled to the length 1, the distance of the
label is z = w·x + b; the word i has the share w_i x_i in it. Where labels form groups, a group has a distance too. The
likelihood of the squared hinge loss is exp(-max(0, 1 - z)²), and the probability of a label is that of its group times
its own (Prabhu et al. 2018). The score is the distance at which a label alone would have this probability; where that
is 1, the lesser of both distances. So labels that are equally certain have a rank, and an attack sees them move.
"""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save
from scipy import sparse
from torch import Tensor

from xmlcore.common.artifacts import written_by
from xmlcore.common.device import CPU
from xmlcore.config.schema import PositiveInt, Section
from xmlcore.data.tokens import PAD
from xmlcore.models.base import Objective, TokenClassifier
from xmlcore.models.linear_bounds import DocumentBounds, LinearBounds, PossibleWords, sublinear
from xmlcore.models.token_rows import share_of

ARCHITECTURE = "linear"


class _Config(Section):
    """The content of config.json."""

    architecture: str
    vocabulary: PositiveInt
    labels: PositiveInt
    groups: PositiveInt


class LinearClassifier(TokenClassifier):
    """Linear classifiers of G groups of labels and of L labels; `C` is G + L. It computes on the CPU."""

    def __init__(self, idf: np.ndarray, weights: sparse.csr_matrix, biases: np.ndarray, group_of: np.ndarray) -> None:
        """Take the `idf` (V,) of each token, `weights` (V, C) and `biases` (C,) of groups, then labels.

        `group_of` (L,) is the group of each label. All numbers are float32, but for `group_of`, int32.
        """
        super().__init__()
        self.labels = len(group_of)
        self._idf, self._weights, self._biases, self._group_of = idf, weights, biases, group_of
        self._groups = len(biases) - len(group_of)
        self.eval()

    @property
    def vocabulary_size(self) -> int:
        return len(self._idf)

    @property
    def device(self) -> torch.device:
        return CPU

    def narrow(self, labels: Tensor) -> "LinearClassifier":
        chosen = labels.numpy()
        groups, group_of = np.unique(self._group_of[chosen], return_inverse=True)
        columns = np.concatenate([groups, self._groups + chosen])
        weights = self._by_column[:, columns].tocsr()
        return LinearClassifier(self._idf, weights, self._biases[columns], group_of.astype(np.int32))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the scores (B, L) of `tokens` (B, T)."""
        values = self._values(tokens)
        lengths = np.sqrt(np.asarray(values.power(2).sum(1), np.float64))
        sums = (values @ self._weights).toarray()
        return self._scores(sums / np.maximum(lengths, np.finfo(np.float32).tiny))

    def probabilities(self, scores: Tensor) -> Tensor:
        return (1 - scores).clamp(min=0).square().neg().exp()

    def document_vectors(self, tokens: Tensor) -> Tensor:
        """Return the tf-idf values (B, V) of the documents `tokens` (B, T), not scaled."""
        return torch.from_numpy(self._values(tokens).toarray())

    def score_substitutes(self, tokens: Tensor, positions: Tensor, substitutes: Tensor) -> Tensor:
        """Return the scores (S, L) of S copies of one document, from what changes: two values, and the length."""
        counts = np.bincount(tokens.numpy(), minlength=self.vocabulary_size)
        old, new = tokens[positions].numpy(), substitutes.numpy()
        moved = old != new

        def changes(words: np.ndarray, by: int) -> tuple[np.ndarray, np.ndarray]:
            before, after = (self._value(words, counts[words] + more) for more in (0, by))
            return moved * (after - before), moved * (np.square(after, dtype=float) - np.square(before, dtype=float))

        (gone, less), (come, more) = changes(old, -1), changes(new, 1)
        values = self._values(tokens[None])
        squares = np.square(values.data, dtype=float).sum() + less + more
        entries, columns = (np.column_stack(each).ravel() for each in ((gone, come), (old, new)))
        two_each = np.arange(0, len(entries) + 1, 2)
        changed = sparse.csr_matrix((entries, columns, two_each), (len(old), self.vocabulary_size))
        sums = (changed @ self._weights).toarray() + (values @ self._weights).toarray()
        return self._scores(sums / np.sqrt(squares)[:, None])

    def preferences(self, tokens: Tensor, position: int, labels: Sequence[int], objective: Objective) -> Tensor:
        """Return (V,) `objective` with each token at `position`, exactly."""
        every = torch.arange(self.vocabulary_size)
        narrowed = self.narrow(torch.tensor(list(labels)))
        return objective(narrowed.score_substitutes(tokens, torch.full_like(every, position), every))

    def token_bounds(self, tokens: Tensor, substitutes: Tensor, share: float = 1.0) -> LinearBounds:
        choices = [substitutes[document[document != PAD]].numpy() for document in tokens]
        return LinearBounds([self._bounds(each, share_of(share, len(each))) for each in choices])

    def _bounds(self, choices: np.ndarray, positions: int) -> DocumentBounds:
        words = PossibleWords(choices, positions)
        idf, weights = self._idf[words.ids].astype(float), self._weights[words.ids].toarray().astype(float)
        return DocumentBounds(words, idf, weights, self._biases.astype(float), self._group_of, _score)

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` and `config.json` into `folder`, which exists."""
        tensors = {
            "idf": self._idf,
            "weights": self._weights.data,
            "columns": self._weights.indices.astype(np.int32),
            "rows": self._weights.indptr.astype(np.int64),
            "biases": self._biases,
            "group_of": self._group_of,
        }
        (folder / "weights.safetensors").write_bytes(save(tensors))
        config = _Config(
            architecture=ARCHITECTURE, vocabulary=self.vocabulary_size, labels=self.labels, groups=self._groups
        )
        (folder / "config.json").write_text(json.dumps(config.model_dump(), indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "LinearClassifier":
        """Return the classifier stored in `folder`. Raises `UserError` if its files are damaged."""
        with written_by("baseline", folder):
            config = _Config.model_validate_json((folder / "config.json").read_bytes())
            tensors = load_file(folder / "weights.safetensors")
            columns = config.groups + config.labels
            data, idf, biases, group_of = (tensors[name] for name in ("weights", "idf", "biases", "group_of"))
            sizes = len(idf), len(tensors["rows"]), len(biases), len(group_of)
            if sizes != (config.vocabulary, config.vocabulary + 1, columns, config.labels):
                raise ValueError("config.json names sizes that weights.safetensors does not have")
            if any(each.dtype != np.float32 or not np.isfinite(each).all() for each in (data, idf, biases)):
                raise ValueError("weights, idf or biases are no finite float32")
            if group_of.dtype != np.int32 or group_of.min() < 0 or group_of.max() >= config.groups:
                raise ValueError(f"group_of names a group beyond the {config.groups}")
            weights = sparse.csr_matrix((data, tensors["columns"], tensors["rows"]), (config.vocabulary, columns))
            weights.check_format(full_check=True)
            return cls(idf, weights, biases, group_of)

    @cached_property
    def _by_column(self) -> sparse.csc_matrix:
        return self._weights.tocsc()

    def _values(self, tokens: Tensor) -> sparse.csr_matrix:
        """Return the tf-idf values (B, V) of `tokens` (B, T), float32, not scaled to the length 1."""
        real = (tokens != PAD).numpy()
        ends = np.concatenate([[0], real.sum(1).cumsum()])
        ids = tokens.numpy()[real]
        counts = sparse.csr_matrix((np.ones(len(ids), np.float32), ids, ends), (len(tokens), self.vocabulary_size))
        counts.sum_duplicates()
        counts.data = self._value(counts.indices, counts.data)
        return counts

    def _value(self, words: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return the tf-idf values of `words`, each so many times in a document: its frequency counts sublinearly."""
        return sublinear(np.asarray(counts, np.float32)) * self._idf[words]

    def _scores(self, products: np.ndarray) -> Tensor:
        """Return the scores (S, L) of the `products` (S, C) of weights and scaled tf-idf values."""
        distances = products.astype(np.float32) + self._biases
        return torch.from_numpy(_score(distances[:, self._group_of], distances[:, self._groups :]))


def _score(groups: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return the scores of labels by the distances of their `groups`, and their `own`, of any shape."""
    short = np.hypot(np.maximum(0, 1 - groups), np.maximum(0, 1 - own))
    return np.where(short > 0, 1 - short, np.minimum(groups, own))
