import pytest
import torch

from xmlcore.explain.methods.gradient_x_input import gradient_x_input


class Quadratic:
    """Logit of a label = sum over tokens of label * x², so that gradient x input is 2 * label * x²."""

    def embed(self, tokens):
        return torch.tensor([[[float(token)] for token in tokens[:3]]])

    def logits(self, labels):
        return lambda embeddings: (embeddings**2).sum((1, 2))[:, None] * torch.tensor(labels, dtype=torch.float)


def test_the_product_and_nothing_beyond_the_maximum():
    assert gradient_x_input(["1", "-2", "3", "4"], Quadratic(), 5) == pytest.approx([10, 40, 90, 0])


def test_the_caller_s_gradient_mode_is_left_alone():
    with torch.inference_mode(False), torch.no_grad():
        gradient_x_input(["1"], Quadratic(), 1)
        assert not torch.is_grad_enabled()
