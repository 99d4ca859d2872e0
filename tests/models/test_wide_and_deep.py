import numpy as np
import pytest
import torch

from toys import split_of
from xmlcore.config.architectures import WideAndDeepNetwork
from xmlcore.data.batches import pad, true_labels
from xmlcore.models.losses import binary_cross_entropy
from xmlcore.models.registry import build_model

SPLIT = split_of([[1, 2, 3], [4, 5], [5, 1, 4, 2]], [[0], [3, 1], [2]])
DOCUMENTS = range(3)
TOKENS = pad([SPLIT.document(i) for i in DOCUMENTS])
LABELS = 4
NETWORK = {
    "members": [
        {"width": 4, "encoder": {"xml_cnn": {"windows": [1, 2], "filters": 3, "hidden": 5}}},
        {"width": 2, "encoder": {"bag_of_words": {}}},
    ]
}


@pytest.fixture
def model():
    torch.manual_seed(0)
    vectors = np.random.default_rng(0).standard_normal((6, 6)).astype(np.float32)
    vectors[0] = 0
    model = build_model("wide_and_deep", vectors, LABELS, WideAndDeepNetwork.model_validate(NETWORK))
    model.prepare(SPLIT, seed=0)
    return model.eval()


def test_the_logit_of_a_label_is_the_sum_of_those_of_the_parts(model):
    alone = []
    for part, columns in zip(model.classifiers, (slice(4), slice(4, 6)), strict=True):
        part.embedding.weight.data = model.embedding_table.data[:, columns].contiguous()
        alone.append(part(TOKENS))
    assert all(logits.abs().max() > 0.01 for logits in alone)
    torch.testing.assert_close(model(TOKENS), alone[0] + alone[1])


def test_a_part_learns_what_the_other_leaves(model):
    """The gradient of a part's logits is what the sum of all parts misses: that of no loss of its own."""
    labels = true_labels(SPLIT, DOCUMENTS)
    batch = model.distinct(TOKENS)
    bias = model.classifiers[0].output.bias
    (found,) = torch.autograd.grad(model.loss(batch, labels), bias)
    missed = model(TOKENS).sigmoid() - labels.targets(labels.ids, LABELS)
    torch.testing.assert_close(found, missed.sum(0))
    (alone,) = torch.autograd.grad(
        binary_cross_entropy(model.logits_of_each(batch)[0], labels.targets(labels.ids, LABELS)), bias
    )
    assert not torch.allclose(found, alone, atol=0.01)


def test_the_parts_begin_at_the_prior_together(model):
    assert model.classifiers[1].output.weight.any()  # at the prototypes of the labels
    for part in model.classifiers:
        torch.nn.init.zeros_(part.output.weight)
    prior = torch.tensor([-1.0, -2.0, -3.0, -4.0])
    model.initialise_output(prior)
    torch.testing.assert_close(model(TOKENS), prior.expand(3, -1))


def test_a_part_that_is_not_trained_is_refused():
    wide, deep = NETWORK["members"]
    with pytest.raises(ValueError, match="members: one loss trains them all; leave `trained` out, or take an ensemble"):
        WideAndDeepNetwork.model_validate({"members": [wide, deep | {"trained": False}]})
