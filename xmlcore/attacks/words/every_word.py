"""An attack that substitutes at every position at once, from given substitutes, along the gradient.

To first order a substitute changes the objective by the product of the gradient with its way from the word (as HotFlip,
Ebrahimi et al. 2018). The best at every position together are one step; the next one looks from there.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from xmlcore.attacks.embeddings.documents import Documents, Iterate
from xmlcore.attacks.embeddings.objectives import Objective


def substitute_every_word(
    documents: Documents, substitutes: Tensor, *, objective: Objective, steps: int
) -> Iterator[Iterate]:
    """Yield the documents as they are and what each of `steps` leads to, up the gradient of `objective`.

    `substitutes` (B, T, K, D) are the embeddings that each position may have.
    """
    perturbation = torch.zeros_like(documents.embeddings)
    for _ in range(steps):
        found, gradient = documents.moved_and_gradient(perturbation, objective)
        yield found
        best = torch.einsum("btd,btkd->btk", gradient, substitutes).argmax(2)
        chosen = substitutes.gather(2, best[:, :, None, None].expand(-1, -1, 1, substitutes.shape[3]))[:, :, 0]
        perturbation = chosen - documents.embeddings
    yield documents.moved(perturbation, objective)
