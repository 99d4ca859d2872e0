"""Adaptive FGSM in embedding space (equations 9 and 10 of seed 000).

Threat model: white box, untargeted, L-infinity ball around the embeddings of real tokens, radius
`epsilon * mean embedding norm / 10`. The gradient is taken with respect to the embeddings only, so that an attack
inside training leaves no trace in the parameters' gradients.
"""

import torch
from torch import Tensor
from torch.nn import functional

from xmlcore.models import Classifier


def adaptive_epsilon(embeddings: Tensor, mask: Tensor, epsilon: float) -> Tensor:
    """Equation 10: `epsilon` times a tenth of the mean L2 norm of the batch's real tokens; a scalar."""
    return epsilon * embeddings.detach()[mask].norm(dim=1).mean() / 10


def gradient_sign(model: Classifier, embeddings: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
    """(B, T, D) sign of the gradient of the binary cross-entropy of `targets` (B, L), zero outside `mask` (B, T)."""
    with torch.enable_grad():
        embeddings = embeddings.detach().requires_grad_()
        loss = functional.binary_cross_entropy_with_logits(model.score(embeddings, mask), targets, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, embeddings)
    return gradient.sign() * mask.unsqueeze(-1)


def perturb(embeddings: Tensor, mask: Tensor, sign: Tensor, epsilon: float) -> Tensor:
    """Equation 9 with the adaptive epsilon. One `sign` (B, T, D) serves every epsilon of a sweep."""
    return embeddings + adaptive_epsilon(embeddings, mask, epsilon) * sign


def fgsm(model: Classifier, embeddings: Tensor, mask: Tensor, targets: Tensor, epsilon: float) -> Tensor:
    """Embeddings (B, T, D) moved one step against `targets` (B, L); the parameters get no gradient from the attack."""
    return perturb(embeddings, mask, gradient_sign(model, embeddings, mask, targets), epsilon)
