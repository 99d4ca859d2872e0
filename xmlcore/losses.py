"""Losses over logits and multi-hot targets, both (B, L)."""

from torch import Tensor
from torch.nn import functional


def binary_cross_entropy(logits: Tensor, targets: Tensor, reduction: str) -> Tensor:
    """Summed over labels and averaged over documents (`document`), or averaged over both (`element`).

    With thousands of labels the mean over elements makes gradients so small that Adam's epsilon damps them.
    """
    loss = functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
    return loss / (len(logits) if reduction == "document" else logits.numel())
