"""Adaptive FGSM in embedding space (Sapkal and Savalia 2025, eqs. 9 and 10).

Threat model: white box, untargeted, L-infinity ball around the embeddings of real tokens, radius
`epsilon * mean embedding norm / 10`. A batch comes as `rows` (R, D) and `index` (B, T), see `Classifier`; positions
that share a row are still moved one by one.
"""

import torch
from torch import Tensor
from torch.nn import functional

from xmlcore.data.batches import TrueLabels
from xmlcore.models.base import Classifier


def adaptive_epsilon(rows: Tensor, index: Tensor, epsilon: float) -> Tensor:
    """Equation 10: `epsilon` times a tenth of the mean L2 norm of the batch's real tokens; a scalar."""
    return epsilon * rows.detach().norm(dim=1)[index[index != 0]].mean() / 10


def gradient_sign(model: Classifier, rows: Tensor, index: Tensor, labels: TrueLabels) -> Tensor:
    """(B, T, D) sign of the gradient of the model's loss with the true `labels`, zero at the padding.

    The gradient is taken with respect to the embeddings alone: the parameters get none.
    """
    with torch.enable_grad():
        probe = rows.new_zeros(*index.shape, rows.shape[1], requires_grad=True)
        (gradient,) = torch.autograd.grad(model.loss(rows.detach(), index, labels, probe), probe)
    return sign_at_tokens(gradient, index)


def sign_at_tokens(gradient: Tensor, index: Tensor) -> Tensor:
    """The sign of `gradient` (B, T, D), zero at the padding."""
    return gradient.sign() * (index != 0).unsqueeze(-1)


def perturb(rows: Tensor, index: Tensor, sign: Tensor, epsilon: float) -> Tensor:
    """Equation 9 with the adaptive epsilon: embeddings (B, T, D) moved along `sign`, a constant to autograd."""
    return functional.embedding(index, rows) + adaptive_epsilon(rows, index, epsilon) * sign
