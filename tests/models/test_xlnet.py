"""The body agrees with `XLNetModel` of `transformers`, its plain reference, in values and gradients."""

import pytest
import torch
from transformers import XLNetConfig, XLNetModel

from xmlcore.models.xlnet import XLNet
from xmlcore.networks import XLNetShape

WIDTH = 12
CLS_SEGMENT = 2  # as XLNet's tokenizer numbers it


def pair(layers: int = 2, heads: int = 3, activation: str = "gelu") -> tuple[XLNet, XLNetModel]:
    """Our body and the reference with the same random weights, in float64."""
    torch.manual_seed(0)
    config = XLNetConfig(
        vocab_size=5, d_model=WIDTH, n_layer=layers, n_head=heads, d_inner=20, ff_activation=activation, dropout=0.0
    )
    reference = XLNetModel(config).double()
    for parameter in reference.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    shape = XLNetShape(width=WIDTH, layers=layers, heads=heads, inner=20, activation=activation)
    ours = XLNet(shape, dropout=0.0).double()
    ours.load_state_dict({name: value for name, value in reference.state_dict().items() if name.startswith("layer.")})
    return ours, reference


def reference_state(reference: XLNetModel, embeddings: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    segments = torch.zeros(mask.shape, dtype=torch.long)
    segments[:, -1] = CLS_SEGMENT
    out = reference(inputs_embeds=embeddings, attention_mask=mask.double(), token_type_ids=segments)
    return out.last_hidden_state[:, -1]


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("heads", [1, 3])
@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize("lengths", [[2, 2], [9, 2, 5]])
def test_the_last_state_and_its_gradients_are_the_references(layers, heads, activation, lengths):
    ours, reference = pair(layers, heads, activation)
    positions = max(lengths)
    mask = torch.arange(positions) >= positions - torch.tensor(lengths)[:, None]
    embeddings = torch.randn(len(lengths), positions, WIDTH, dtype=torch.float64, requires_grad=True)
    mine, theirs = ours(embeddings, mask), reference_state(reference, embeddings, mask)
    torch.testing.assert_close(mine, theirs)
    weights = torch.randn_like(mine)
    parameters = [*ours.parameters()]
    named = dict(reference.named_parameters())
    counterparts = [named[name] for name, _ in ours.named_parameters()]
    gradients = torch.autograd.grad((mine * weights).sum(), [embeddings, *parameters])
    expected = torch.autograd.grad((theirs * weights).sum(), [embeddings, *counterparts])
    for gradient, other in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-5, atol=1e-9)


def test_every_weight_of_the_reference_but_embeddings_has_its_name():
    ours, reference = pair()
    assert reference.state_dict().keys() - ours.state_dict().keys() == {"word_embedding.weight", "mask_emb"}
    assert ours.state_dict().keys() < reference.state_dict().keys()


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    body = XLNet(XLNetShape(width=WIDTH, layers=2, heads=2, inner=20), dropout=0.5)
    embeddings, mask = torch.randn(1, 4, WIDTH), torch.ones(1, 4, dtype=torch.bool)
    assert not torch.equal(body.train()(embeddings, mask), body(embeddings, mask))
    assert torch.equal(body.eval()(embeddings, mask), body(embeddings, mask))
