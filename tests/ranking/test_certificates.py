import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from substitutions import every_substitution
from toys import LinearClassifier, labels_of, random_xml_cnn, split_of
from xmlcore.config.architectures import ARCHITECTURES
from xmlcore.models.base import Classifier
from xmlcore.models.bounds import Box, TwoLayerBounds
from xmlcore.models.registry import build_model
from xmlcore.models.xml_cnn.model import XMLCNN
from xmlcore.ranking import certificates
from xmlcore.ranking.certificates import certainly_best, certified_hits
from xmlcore.ranking.metrics import KS, TOP, hits

LABELS = 7


def output(weight: list[list[float]]) -> nn.Linear:
    layer = nn.Linear(len(weight[0]), len(weight))
    layer.weight.data, layer.bias.data = torch.tensor(weight), torch.zeros(len(weight))
    return layer


def bounds_of(features: Box, layer: nn.Linear) -> TwoLayerBounds:
    """Logits of features that are the inputs themselves, through a hidden layer that changes nothing."""
    units = features.own.shape[1]
    hidden = nn.Linear(units, units)
    hidden.weight.data, hidden.bias.data = torch.eye(units), torch.zeros(units)
    return TwoLayerBounds(features, hidden, features, features, layer)


def random_substitutes(seed: int, vocabulary: int) -> torch.Tensor:
    """One substitute for half of the tokens, but none of `PAD`."""
    generator = torch.Generator().manual_seed(seed)
    own = torch.arange(vocabulary)
    other = torch.randint(1, vocabulary, (vocabulary,), generator=generator)
    return torch.stack(
        [own, torch.where((torch.rand(vocabulary, generator=generator) < 0.5) & (own > 0), other, own)], 1
    )


def close_to_certain(model: XMLCNN) -> XMLCNN:
    """Tokens that are so alike that some labels are certain and others are not."""
    model.embedding.weight.data[1:] = model.embedding.weight.data[1:2] + 0.1 * model.embedding.weight.data[1:]
    return model


def alike(architecture: str, **network: object) -> Classifier:
    """A random model of `LABELS` labels, whose tokens are so alike that some labels are certain and others are not."""
    torch.manual_seed(0)
    shape = ARCHITECTURES[architecture].network.model_validate(network)
    model = build_model(architecture, np.zeros((20, 8), np.float32), LABELS, shape).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    table = model.embedding_table.data
    table[1:] = table[1] + 0.1 * table[1:]
    table[0] = 0
    return model


BAG = {"bag_of_words": {}}
MEMBERS = [{"width": 4, "encoder": BAG}, {"width": 4, "encoder": {"xml_cnn": {"windows": [1], "filters": 9}}}]
BOUNDED = {
    "xml_cnn": close_to_certain(random_xml_cnn(LABELS)[0]),
    "bag_of_words": alike("bag_of_words"),
    "mach": alike("mach", repetitions=2, buckets=5, encoder=BAG),
    "wide_and_deep": alike("wide_and_deep", members=MEMBERS),
}


@pytest.mark.parametrize("model", BOUNDED.values(), ids=BOUNDED)
@given(seed=st.integers(0, 10**6), share=st.sampled_from([1.0, 0.4, 0.2]))
def test_what_is_certified_no_substitution_takes(model: Classifier, seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    document, labels = rng.integers(1, 20, 5), rng.choice(LABELS, 3, replace=False)
    substitutes = random_substitutes(seed, 20)
    split = split_of([document], [labels])
    certain = certified_hits(model, split, substitutes, share)
    assert certain is not None
    everything = every_substitution(torch.from_numpy(document), substitutes, share)
    with torch.no_grad():
        best = model(everything).topk(TOP).indices.numpy()
    many = split_of([document] * len(best), [labels] * len(best))
    right = hits(best, many, np.arange(len(best)))
    assert all(certain[0, i] <= right[:, :k].sum(1).min() for i, k in enumerate(KS))


@pytest.mark.parametrize("model", BOUNDED.values(), ids=BOUNDED)
def test_certificates_neither_all_hold_nor_all_fail_in_that_test(model: Classifier) -> None:
    rng = np.random.default_rng(0)
    split = split_of(rng.integers(1, 20, (20, 5)), [rng.choice(LABELS, 3, replace=False) for _ in range(20)])
    without = certified_hits(model, split, torch.arange(20)[:, None])
    certain, few = (certified_hits(model, split, random_substitutes(0, 20), share) for share in (1.0, 0.2))
    assert without is not None and certain is not None and few is not None
    assert 0 < certain.sum() < without.sum()
    assert (certain <= few).all() and (few <= without).all()


def test_without_substitutes_the_certificates_are_the_hits() -> None:
    model, split = random_xml_cnn(LABELS)
    certain = certified_hits(model, split, torch.arange(20)[:, None])
    with torch.no_grad():
        best = np.stack(
            [
                model(torch.from_numpy(split.document(i).astype(int))[None])[0].topk(TOP).indices
                for i in range(len(split))
            ]
        )
    right = hits(best, split, np.arange(len(split)))
    assert certain is not None
    assert certain.tolist() == np.stack([right[:, :k].sum(1) for k in KS], 1).tolist()


def test_a_label_that_k_others_can_pass_is_not_certain() -> None:
    """Logit 0 is 2; 1 and 2 reach from 0 to 3 together; 3 moves with 0 and stays behind it."""
    features = Box(*torch.tensor([[[1.0, 1.5]], [[1.0, 0.0]], [[1.0, 3.0]]]))
    bounds = bounds_of(features, output([[2.0, 0.0], [0.0, 1.0], [0.5, 1.0], [1.9, 0.0], [-5.0, 0.0], [-6.0, 0.0]]))
    assert certainly_best(bounds, labels_of([0])).tolist() == [[0, 1, 1]]
    assert certainly_best(bounds, labels_of([3])).tolist() == [[0, 0, 1]]
    assert certainly_best(bounds, labels_of([0, 3, 4])).tolist() == [[0, 1, 3]]
    assert certainly_best(bounds, labels_of([5])).tolist() == [[0, 0, 0]]


def test_labels_that_move_together_are_told_apart() -> None:
    """Each for itself they overlap; the one is always above the other."""
    features = Box(*torch.tensor([[[5.0]], [[0.0]], [[10.0]]]))
    layer = output([[1.0], [1.0]])
    layer.bias.data[0] = 1.0
    assert certainly_best(bounds_of(features, layer), labels_of([0])).tolist() == [[1, 1, 1]]


def test_equal_logits_are_not_certain() -> None:
    features = Box(*torch.ones(3, 1, 1))
    assert certainly_best(bounds_of(features, output([[1.0], [1.0]])), labels_of([0]))[0, 0] == 0


@given(st.integers(0, 10**6), st.integers(1, 5))
def test_how_many_labels_are_looked_at_together_changes_nothing(seed: int, together: int) -> None:
    torch.manual_seed(seed)
    low, high = torch.rand(2, 4, 3).sort(0).values
    bounds = bounds_of(Box((low + high) / 2, low, low + 0.3 * (high - low)), nn.Linear(3, 12))
    labels = labels_of([0, 3], [1], [2, 4, 5], [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificates, "OTHERS", together)
        found = certainly_best(bounds, labels)
    assert torch.equal(found, certainly_best(bounds, labels))


def test_a_model_without_bounds_has_no_certificates() -> None:
    model = LinearClassifier([[0.0], [1.0]], [[1.0, 0.0]])
    assert certified_hits(model, split_of([[1]], [[0]]), torch.arange(2)[:, None]) is None
