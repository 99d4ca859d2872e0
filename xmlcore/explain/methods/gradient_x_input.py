"""Gradient x input (Shrikumar et al. 2016): the cheapest attribution, one pass forward and back a label."""

from collections.abc import Sequence

import torch

from xmlcore.explain.scorer import Differentiable


def gradient_x_input(tokens: Sequence[str], model: Differentiable, label: int) -> list[float]:
    """Return of each of `tokens` its embedding times the logit's gradient there; 0 beyond the model's maximum."""
    embeddings = model.embed(tokens).requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(model.logits([label])(embeddings).sum(), embeddings)
    weights = (gradient * embeddings.detach())[0].cpu().double().sum(1)
    return weights.tolist() + [0.0] * (len(tokens) - len(weights))
