from typing import get_args

import numpy as np
import pytest
import torch

from toys import random_xml_cnn
from xmlcore.config.params import GradientSum
from xmlcore.data.batches import pad, true_labels
from xmlcore.data.tokens import PAD
from xmlcore.training.gradient_accumulation import MicroBatch, accumulate

LABELS = 4


@pytest.fixture
def random():
    return random_xml_cnn(LABELS)


def micro_batches(split, count):
    """All documents of `split` in `count` parts, of sizes that differ by one at most."""
    parts = [np.arange(len(split))[first::count] for first in range(count)]
    return [
        MicroBatch(pad([split.document(i) for i in part]), true_labels(split, part), len(part) / len(split), seed=first)
        for first, part in enumerate(parts)
    ]


def backward(model):
    def work(part):
        loss = part.weight * model.loss(model.distinct(part.tokens), part.labels) / len(part.tokens)
        loss.backward()
        return loss.detach()

    return work


def accumulated(model, split, count, gradient_sum="ordered"):
    loss = accumulate(model, micro_batches(split, count), backward(model), gradient_sum)
    return loss, {name: parameter.grad.to_dense().clone() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("gradient_sum", get_args(GradientSum))
@pytest.mark.parametrize("count", [2, 3, 7, 30])
def test_the_parts_add_up_to_the_whole_batch(random, count, gradient_sum):
    whole, in_parts = accumulated(*random, 1), accumulated(*random, count, gradient_sum)
    assert float(in_parts[0]) == pytest.approx(float(whole[0]), rel=1e-5)
    for name, gradient in whole[1].items():
        torch.testing.assert_close(in_parts[1][name], gradient, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("count", [1, 3])
def test_gradients_of_before_are_forgotten(random, count):
    first, second = accumulated(*random, count), accumulated(*random, count)
    assert first[0] == second[0]
    assert all(torch.equal(gradient, second[1][name]) for name, gradient in first[1].items())


@pytest.mark.parametrize("count", [1, 3])
def test_a_sparse_gradient_of_the_table_has_rows_for_the_tokens_alone(random, count):
    model, split = random
    model.sparse_embedding = True
    accumulate(model, micro_batches(split, count), backward(model))
    gradient = model.embedding_table.grad.coalesce()
    assert set(gradient.indices()[0].tolist()) - {PAD} == set(np.unique(split.tokens).tolist())
    assert not gradient.to_dense()[PAD].any()


def test_a_parameter_without_a_gradient_counts_as_zero(random):
    model, split = random
    model.unused = torch.nn.Parameter(torch.ones(3))
    accumulate(model, micro_batches(split, 2), backward(model))
    assert model.unused.grad.tolist() == [0, 0, 0]
