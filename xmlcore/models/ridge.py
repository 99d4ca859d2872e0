"""Where an output layer over features of unit norm can begin: a ridge regression to the labels."""

import torch
from torch import Tensor


def ridge(total: Tensor, products: Tensor, penalty: float) -> Tensor:
    """Return coefficients (L, D) of the ridge regression from features X to labels Y, in units of mean length.

    `total` is YᵀX and `products` XᵀX, to whose diagonal the `penalty` is added. A row is as long as its label is
    frequent and easily told: with that length rare labels are never ranked first, with none too often. Each is divided
    by the square root of it.
    """
    products.diagonal().add_(penalty)
    coefficients = torch.linalg.solve(products, total.T).T
    lengths = coefficients.norm(dim=1, keepdim=True)
    return coefficients / (lengths * lengths.mean()).sqrt().clamp(min=1e-8)
