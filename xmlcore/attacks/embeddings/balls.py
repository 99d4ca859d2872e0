"""How far an attack may move the embeddings of a document: L-infinity and L2 balls around them.

Both radii follow from the adaptive epsilon (Sapkal and Savalia 2025, eq. 10). The L2 ball is around the document as a
whole and passes through the corners of the L-infinity ball, to which FGSM moves it: the two attacks have equal norm.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from xmlcore.common.device import to_device

SMALLEST = 1e-30  # the least norm that is divided by
ROUNDING = 1 + 1e-5  # of a radius


class Ball(ABC):
    """Perturbations (B, T, D) of embeddings; `mask` (B, T) is true at real tokens, and no other is moved."""

    @abstractmethod
    def project(self, perturbation: Tensor) -> Tensor:
        """Return the perturbation within the ball that is nearest to `perturbation`."""

    @abstractmethod
    def contains(self, perturbation: Tensor) -> Tensor:
        """Return for each document (B,) whether its perturbation is within the ball, but for rounding."""

    @abstractmethod
    def farthest(self, direction: Tensor) -> Tensor:
        """Return the perturbation within the ball that goes farthest along `direction`; zero where that is zero."""

    @abstractmethod
    def noise(self, mask: Tensor, width: int, generator: torch.Generator) -> Tensor:
        """Return a random perturbation (B, T, `width`) on the border, as far from the document as FGSM goes.

        `generator` is one of the CPU, from which every device gets the same.
        """


@dataclass(frozen=True)
class LInfinity(Ball):
    radius: float

    def project(self, perturbation: Tensor) -> Tensor:
        return perturbation.clamp(-self.radius, self.radius)

    def contains(self, perturbation: Tensor) -> Tensor:
        return perturbation.abs().amax((1, 2)) <= self.radius * ROUNDING

    def farthest(self, direction: Tensor) -> Tensor:
        return self.radius * direction.sign()

    def noise(self, mask: Tensor, width: int, generator: torch.Generator) -> Tensor:
        drawn = to_device(torch.rand(*mask.shape, width, generator=generator), mask.device)
        return self.farthest(drawn - 0.5) * mask.unsqueeze(-1)


@dataclass(frozen=True)
class L2(Ball):
    radii: Tensor  # (B, 1, 1)

    def project(self, perturbation: Tensor) -> Tensor:
        return perturbation * (self.radii / _norms(perturbation)).clamp(max=1)

    def contains(self, perturbation: Tensor) -> Tensor:
        return (_norms(perturbation) <= self.radii * ROUNDING).flatten()

    def farthest(self, direction: Tensor) -> Tensor:
        return direction / _norms(direction) * self.radii

    def noise(self, mask: Tensor, width: int, generator: torch.Generator) -> Tensor:
        drawn = to_device(torch.randn(*mask.shape, width, generator=generator), mask.device)
        return self.farthest(drawn * mask.unsqueeze(-1))


def l2_of_equal_norm(radius: float, mask: Tensor, width: int) -> L2:
    """Return the L2 ball through the corners of the L-infinity ball of `radius`, for documents with `mask` (B, T)."""
    return L2(radius * (mask.sum(1) * width).sqrt()[:, None, None])


def _norms(perturbation: Tensor) -> Tensor:
    return perturbation.flatten(1).norm(dim=1).clamp(min=SMALLEST)[:, None, None]
