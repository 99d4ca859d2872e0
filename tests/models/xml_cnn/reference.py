"""XML-CNN as equations 1 to 4 are written: one document at a time, a plain convolution, plain autograd.

It takes the parameters of an `XMLCNN` and computes nothing the way that class does.
"""

import torch
from torch import Tensor
from torch.nn import functional

from xmlcore.models.xml_cnn.model import XMLCNN


def logits(model: XMLCNN, embeddings: Tensor, mask: Tensor) -> Tensor:
    """(B, L) logits of `embeddings` (B, T, D), of which those in `mask` (B, T) are real; without dropout."""
    return torch.stack([_document(model, row[real]) for row, real in zip(embeddings, mask, strict=True)])


def _document(model: XMLCNN, document: Tensor) -> Tensor:
    features = []
    kernels = model.kernel.split(model.windows, dim=1)  # each (D, window, F)
    for window, kernel, bias in zip(model.windows, kernels, model.bias.squeeze(1), strict=True):
        zeros = document.new_zeros(window - 1, document.shape[1])
        signal = torch.cat([document, zeros]).T  # (D, m + window - 1): as many windows as tokens
        feature_maps = functional.relu(functional.conv1d(signal, kernel.permute(2, 0, 1), bias))  # (F, m)
        of_padding = functional.relu(bias)  # what a chunk without a window of its own gives
        features += [
            chunk.max(dim=1).values if chunk.shape[1] else of_padding for chunk in _chunks(feature_maps, model)
        ]
    hidden = functional.relu(functional.linear(torch.cat(features), model.bottleneck.weight, model.bottleneck.bias))
    return functional.linear(hidden, model.output.weight, model.output.bias)


def _chunks(feature_maps: Tensor, model: XMLCNN) -> list[Tensor]:
    length = feature_maps.shape[1]
    bounds = [k * length // model.chunks for k in range(model.chunks + 1)]
    return [feature_maps[:, start:end] for start, end in zip(bounds, bounds[1:], strict=False)]
