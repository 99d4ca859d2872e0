"""XML-CNN as it is usually written, to measure against: pad every document to one length, convolve, use autograd."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmlcore.config.params import Regime
from xmlcore.data.tokens import PAD
from xmlcore.models.losses import binary_cross_entropy
from xmlcore.models.xml_cnn.model import XMLCNN


class PlainXMLCNN(nn.Module):
    """The parameters of an `XMLCNN` in the layers of torch. Equal to it where no document is padded."""

    def __init__(self, model: XMLCNN) -> None:
        super().__init__()
        self.embedding = nn.Embedding.from_pretrained(model.embedding_table.detach().clone(), False, padding_idx=PAD)
        self.convolutions = nn.ModuleList()
        kernels = model.kernel.detach().split(model.windows, dim=1)  # each (D, window, F)
        for kernel, bias in zip(kernels, model.bias.detach().squeeze(1), strict=True):
            convolution = nn.Conv1d(kernel.shape[0], kernel.shape[2], kernel.shape[1])
            convolution.weight.data, convolution.bias.data = kernel.permute(2, 0, 1).clone(), bias.clone()
            self.convolutions.append(convolution)
        self.chunks = model.chunks
        self.bottleneck = nn.Linear(model.bottleneck.in_features, model.bottleneck.out_features)
        self.output = nn.Linear(model.output.in_features, model.output.out_features)
        self.bottleneck.load_state_dict(model.bottleneck.state_dict())
        self.output.load_state_dict(model.output.state_dict())
        self.dropout = nn.Dropout(model.dropout.p)

    def embed(self, tokens: Tensor) -> Tensor:
        return self.embedding(tokens)

    def score(self, embeddings: Tensor) -> Tensor:
        """Logits (B, L) of `embeddings` (B, T, D), padding included."""
        pooled = []
        for convolution in self.convolutions:
            signal = functional.pad(embeddings.transpose(1, 2), (0, convolution.kernel_size[0] - 1))
            feature_maps = functional.relu(convolution(signal))
            pooled.append(functional.adaptive_max_pool1d(feature_maps, self.chunks).transpose(1, 2))
        hidden = functional.relu(self.bottleneck(torch.stack(pooled, 1).flatten(1)))
        return self.output(self.dropout(hidden))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.score(self.embed(tokens))


def fgsm(model: PlainXMLCNN, embeddings: Tensor, mask: Tensor, targets: Tensor, epsilon: float) -> Tensor:
    """Equations 9 and 10 with a forward and backward pass of its own: embeddings (B, T, D)."""
    leaf = embeddings.detach().requires_grad_()
    loss = functional.binary_cross_entropy_with_logits(model.score(leaf), targets, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, leaf)
    radius = epsilon * leaf.detach()[mask].norm(dim=1).mean() / 10
    return embeddings + radius * gradient.sign() * mask.unsqueeze(-1)


def backward(model: PlainXMLCNN, tokens: Tensor, targets: Tensor, regime: Regime) -> None:
    """The gradients of equation 14, every document attacked, as in Sapkal and Savalia 2025."""
    weight = regime.adversarial_weight
    embeddings = model.embed(tokens)
    loss = binary_cross_entropy(model.score(embeddings), targets) / len(tokens)
    if weight:
        attacked = fgsm(model, embeddings, tokens != PAD, targets, regime.epsilon)
        adversarial = binary_cross_entropy(model.score(attacked), targets) / len(tokens)
        loss = (1 - weight) * loss + weight * adversarial
    loss.backward()
