"""Adaptive FGSM in embedding space (Sapkal and Savalia 2025, eqs. 9 and 10).

Threat model: white box, untargeted, L-infinity ball around the embeddings of real tokens, radius
`epsilon * mean embedding norm / 10`. Positions that share a row of a batch are still moved one by one.

The corners of that ball, where FGSM ends, lie `epsilon * sqrt(D) / 10` mean norms away: the same epsilon moves the
tokens of a model with wide embeddings further. Models of different widths are compared at the same `relative_size`.
"""

from math import sqrt

import torch
from torch import Tensor

from xmlcore.data.batches import TrueLabels
from xmlcore.models.base import Classifier
from xmlcore.models.token_rows import TokenRows

TENTH = 10.0  # of the mean norm is the unit of epsilon


def relative_size(epsilon: float, dimension: int) -> float:
    """Return how far FGSM moves a token of `dimension` values, in mean norms of the embeddings (L2)."""
    return epsilon * sqrt(dimension) / TENTH


def epsilon_of_size(size: float, dimension: int) -> float:
    """Return the epsilon at which FGSM moves a token of `dimension` values by `size` mean norms of the embeddings."""
    return size * TENTH / sqrt(dimension)


def epsilon_or_of_size(epsilon: float, size: float, dimension: int) -> float:
    """Return `epsilon`, unless a relative `size` above 0 stands in its place."""
    return epsilon_of_size(size, dimension) if size else epsilon


def adaptive_epsilon(batch: TokenRows, epsilon: float) -> Tensor:
    """Return `epsilon` times a tenth of the mean L2 norm of the embeddings of real tokens, a scalar (equation 10)."""
    return epsilon * batch.rows.detach().norm(dim=1)[batch.row_of[batch.mask]].mean() / TENTH


def gradient_sign(model: Classifier, batch: TokenRows, labels: TrueLabels) -> Tensor:
    """Return the sign (B, T, D) of the gradient of the model's loss with the true `labels`, zero at the padding.

    The gradient is taken with respect to the embeddings alone: the parameters get none.
    """
    with torch.enable_grad():
        rows = batch.rows.detach()
        probe = rows.new_zeros(*batch.row_of.shape, rows.shape[1], requires_grad=True)
        (gradient,) = torch.autograd.grad(model.loss(batch._replace(rows=rows), labels, probe), probe)
    return sign_at_tokens(gradient, batch.mask)


def sign_at_tokens(gradient: Tensor, mask: Tensor) -> Tensor:
    """Return the sign of `gradient` (B, T, D), zero where `mask` (B, T) is false."""
    return gradient.sign() * mask.unsqueeze(-1)


def fgsm_step(batch: TokenRows, sign: Tensor, epsilon: float) -> Tensor:
    """Return the step (B, T, D) of the adaptive epsilon along `sign` (equation 9), a constant to autograd."""
    return adaptive_epsilon(batch, epsilon) * sign
