import numpy as np
import pytest
import torch
from scipy.stats import gmean

from xmlcore.config.architectures import MACHNetwork
from xmlcore.data.batches import TrueLabels
from xmlcore.models.mach import PRIME
from xmlcore.models.registry import build_model

VECTORS = np.vstack([np.zeros(6), np.random.default_rng(0).standard_normal((9, 6))]).astype(np.float32)
TOKENS = torch.tensor([[1, 2, 3], [4, 5, 0]])


def mach(labels: int = 50, repetitions: int = 3, buckets: int = 7, merge: str = "mean", **encoder):
    torch.manual_seed(1)
    network = MACHNetwork(
        repetitions=repetitions, buckets=buckets, merge=merge, encoder=encoder or {"bag_of_words": {}}
    )
    return build_model("mach", VECTORS, labels, network).eval()


def test_the_hash_functions_by_hand():
    model = mach(repetitions=2)
    model.coefficients.copy_(torch.tensor([[3, 5], [1, 2]]))
    assert [each.tolist() for each in model.hashed(torch.tensor([0, 1, 9]))] == [[1, 4, 0], [2, 0, 5]]
    model.coefficients[:, 0] = torch.tensor([PRIME - 1, PRIME - 1])
    assert model.hashed(torch.tensor([2]))[0].tolist() == [(3 * (PRIME - 1)) % PRIME % 7]


def test_hashed_labels_spread_evenly_and_differ_by_function():
    buckets = mach(labels=70_000, repetitions=3, buckets=100).hashed(torch.arange(70_000))
    for each in buckets:
        assert each.bincount(minlength=100).min() > 500
    assert (buckets[0] == buckets[1]).float().mean() < 0.03


@pytest.mark.parametrize(("merge", "mean"), [("mean", np.mean), ("geometric_mean", gmean)])
def test_a_label_scores_the_mean_of_its_buckets(merge, mean):
    model = mach(labels=50, merge=merge)
    found = model(TOKENS).sigmoid()
    batch = model.distinct(TOKENS)
    probabilities = [logits.sigmoid().detach().numpy() for logits in model.logits_of_each(batch)]
    for label in (0, 17, 49):
        places = [int(each) for each in model.hashed(torch.tensor(label))]
        of_buckets = [p[:, place] for p, place in zip(probabilities, places, strict=True)]
        np.testing.assert_allclose(found[:, label].detach(), mean(of_buckets, axis=0), rtol=1e-5)


@pytest.mark.parametrize("merge", ["mean", "geometric_mean"])
def test_confident_buckets_do_not_saturate(merge):
    model = mach(repetitions=1, buckets=50, merge=merge)
    for classifier in model.classifiers:
        torch.nn.init.zeros_(classifier.output.weight)
        classifier.output.bias.data = torch.linspace(-60, 60, 50)
    found = model(TOKENS)[0]
    expected = torch.linspace(-60, 60, 50)[model.hashed(torch.arange(50))[0]]
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-5)


def test_the_loss_is_over_buckets_that_true_labels_fall_into():
    model = mach(labels=50, repetitions=2)
    labels = TrueLabels(torch.tensor([[3, 20], [7, -1]]), torch.tensor([[1.0, 2.0], [1.0, 0.0]]))
    batch = model.distinct(TOKENS)
    expected = 0.0
    for logits, buckets in zip(model.logits_of_each(batch), model.hashed(torch.arange(50)), strict=True):
        for document, weights in enumerate([{3: 1.0, 20: 2.0}, {7: 1.0}]):
            heaviest = {}
            for label, weight in weights.items():
                bucket = int(buckets[label])
                heaviest[bucket] = max(weight, heaviest.get(bucket, 0.0))
            for bucket in range(7):
                p = logits[document, bucket].sigmoid().item()
                expected -= heaviest[bucket] * np.log(p) if bucket in heaviest else np.log(1 - p)
    assert model.loss(batch, labels).item() == pytest.approx(expected, rel=1e-5)


def test_classifiers_share_nothing():
    model = mach(repetitions=3)
    batch = model.distinct(TOKENS)
    (gradient,) = torch.autograd.grad(model.logits_of_each(batch)[1].sum(), batch.rows)
    first, second, third = gradient.chunk(3, 1)
    assert second[1:].any()
    assert not first.any() and not third.any()
    tables = model.embedding_table.chunk(3, 1)
    assert not torch.equal(tables[0], tables[1])


def test_training_never_has_a_column_for_each_label():
    """Neither a parameter nor a buffer grows with the labels, and no tensor that the loss makes does."""
    small, large = mach(labels=100), mach(labels=10_000_000)
    for one, other in zip(small.state_dict().values(), large.state_dict().values(), strict=True):
        assert one.shape == other.shape
    labels = TrueLabels(torch.tensor([[9_999_999], [5]]), torch.ones(2, 1))
    sizes = []

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            out = function(*args, **(kwargs or {}))
            sizes.extend(each.numel() for each in (out if isinstance(out, tuple) else (out,)) if torch.is_tensor(each))
            return out

    with Watch():
        large.loss(large.distinct(TOKENS), labels).backward()
    assert max(sizes) < 1000


def test_a_bucket_begins_at_the_probability_that_one_of_its_labels_is_there():
    model = mach(labels=50)
    shares = torch.linspace(0.01, 0.1, 50)
    model.initialise_output(torch.logit(shares))
    for classifier, buckets in zip(model.classifiers, model.hashed(torch.arange(50)), strict=True):
        for bucket in range(7):
            expected = 1 - (1 - shares[buckets == bucket]).prod()
            torch.testing.assert_close(classifier.output.bias[bucket].sigmoid(), expected)
