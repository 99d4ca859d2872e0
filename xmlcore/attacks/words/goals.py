"""What an attack on one document wants (Qaraei and Babbar, section 3): labels that shall fall or rise."""

from dataclasses import dataclass

import numpy as np

FALLING = ("positive", "non_targeted")  # goals whose labels shall leave the best k; those of the others shall enter


@dataclass(frozen=True)
class Target:
    """A document of the test split, and the labels that the attack pushes: Gamma of equation 3.4.

    `goal` is one of `xmlcore.config.params.Goal`. Positive: true labels among the best k, all of which shall leave.
    Negative: labels neither true nor among the best k, all of which shall enter. Non-targeted: the best k labels, of
    which one that is true shall leave.
    """

    document: int
    goal: str
    labels: tuple[int, ...]
    decisive: tuple[bool, ...]  # whose rank counts: all, but for non-targeted attacks only the true ones

    @property
    def direction(self) -> float:
        """The sign of the change of the labels' scores that is wanted."""
        return -1.0 if self.goal in FALLING else 1.0

    def reached(self, ranks: np.ndarray, k: int) -> np.ndarray:
        """Return (n,) whether ranks (n, len(labels)), the best label having 1, are what the attack wants."""
        fallen: np.ndarray = ranks[:, np.array(self.decisive, bool)] > k
        if self.goal == "non_targeted":
            return np.any(fallen, axis=1)
        return np.all(fallen if self.goal in FALLING else ~fallen, axis=1)

    def untouched(self, ranks: np.ndarray, k: int) -> bool:
        """Return whether ranks (len(labels),) leave the attack something to do about every label that counts."""
        ranks = ranks[np.array(self.decisive, bool)]
        return bool(len(ranks) and (ranks <= k if self.goal in FALLING else ranks > k).all())

    def gain(self, scores: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Return (n,) how much closer scores (n, len(labels)) are to the goal than `before` (len(labels),): (3.4)."""
        return self.direction * (scores - before).sum(axis=1)
