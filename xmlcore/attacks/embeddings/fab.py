"""FAB, the nearest perturbation that fells a document, in the L-infinity norm (Croce and Hein 2020, "Minimally
distorted adversarial examples with a fast adaptive boundary attack"), with the best wrong label of each iterate.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from xmlcore.attacks.embeddings.balls import SMALLEST
from xmlcore.attacks.embeddings.documents import Documents, Iterate, where
from xmlcore.attacks.embeddings.objectives import margin

OVERSHOOT = 1.05  # how far beyond the boundary a step aims
BIAS = 0.1  # the largest weight of the step that sets out from the document itself
BACK = 0.9  # of the perturbation is kept where the boundary has been passed


def fab(documents: Documents, *, steps: int) -> Iterator[Iterate]:
    """Yield the documents as they are and what each of `steps` leads to, within no ball.

    Where the margin is linear, the first step leads just beyond the nearest point at which the best label is wrong.
    """
    perturbation = torch.zeros_like(documents.embeddings)
    for _ in range(steps):
        found, gradient = documents.moved_and_gradient(perturbation, margin)
        yield found
        from_here = _to_boundary(found.objective, gradient)
        from_document = _to_boundary(found.objective - (gradient * perturbation).flatten(1).sum(1), gradient)
        near, far = from_here.abs().amax((1, 2)), from_document.abs().amax((1, 2))
        bias = (near / (near + far).clamp(min=SMALLEST)).clamp(max=BIAS)[:, None, None]
        onward = (1 - bias) * (perturbation + OVERSHOOT * from_here) + bias * OVERSHOOT * from_document
        perturbation = where(found.objective > 0, BACK * perturbation, onward)
    yield documents.moved(perturbation, margin)


def _to_boundary(value: Tensor, gradient: Tensor) -> Tensor:
    """Return the least change (B, T, D) in the L-infinity norm that makes a linear function of `value` (B,) zero."""
    length = gradient.abs().flatten(1).sum(1).clamp(min=SMALLEST)
    return (-value / length)[:, None, None] * gradient.sign()
