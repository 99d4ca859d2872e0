import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from substitutions import VOCABULARY, documents, every_substitution, random_substitutes
from xmlcore.config.architectures import ARCHITECTURES
from xmlcore.models.base import Classifier
from xmlcore.models.registry import build_model

LABELS, WIDTH = 6, 8
BAG, CNN = {"bag_of_words": {}}, {"xml_cnn": {"windows": [1, 2], "filters": 3, "hidden": 4}}
MEMBERS = {"members": [{"width": 4, "encoder": BAG}, {"width": 4, "encoder": CNN}]}
MERGED = {
    "mach, mean": ("mach", {"repetitions": 2, "buckets": 3, "encoder": BAG}),
    "mach, geometric mean": ("mach", {"repetitions": 2, "buckets": 3, "merge": "geometric_mean", "encoder": CNN}),
    "ensemble": ("ensemble", MEMBERS),
    "wide and deep": ("wide_and_deep", MEMBERS),
}


def random_model(architecture: str, network: dict[str, object], seed: int) -> Classifier:
    torch.manual_seed(seed)
    shape = ARCHITECTURES[architecture].network.model_validate(network)
    model = build_model(architecture, torch.zeros(VOCABULARY, WIDTH).numpy(), LABELS, shape)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    model.embedding_table.data[0] = 0
    return model.eval()


@pytest.mark.parametrize("recipe", MERGED.values(), ids=MERGED)
@given(seed=st.integers(0, 10**6), document=documents, share=st.sampled_from([1.0, 0.5, 0.25]))
def test_no_substitution_leaves_the_bounds(recipe, seed, document, share):
    whole, substitutes = random_model(*recipe, seed), random_substitutes(seed)
    for model in (whole, whole.narrow(torch.tensor([5, 0, 2]))):
        bounds = model.bounds(model.distinct_with_substitutes(document[None], substitutes), share=share)
        _, low, high = (each[0] for each in bounds.logits())
        logits = model(every_substitution(document, substitutes, share))
        error = 1e-5 * bounds.magnitude()[0]
        assert (low - error <= logits).all() and (logits <= high + error).all()
        each = torch.arange(model.labels)
        apart = (logits[:, :, None] - logits[:, None, :]).amin(0) + error[:, None] + error
        assert (bounds.margins(0 * each, each, each.repeat(model.labels, 1)) <= apart).all()
        one, other = (pair.flatten() for pair in torch.meshgrid(each, each, indexing="ij"))
        assert (bounds.close_margins(0 * one, one, other).view(apart.shape) <= apart).all()


def test_what_moves_both_labels_of_added_logits_puts_none_ahead():
    """Two labels of the same weights, of which one has a larger bias: each for itself they overlap."""
    model = random_model(*MERGED["wide and deep"], 0)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    bag = model.classifiers[0].output
    model.embedding_table.data[1, 0], model.embedding_table.data[2, 1] = 1.0, 1.0
    bag.weight.data[:2, :2], bag.bias.data[0] = torch.tensor([3.0, -3.0]), 1.0
    substitutes = torch.arange(VOCABULARY)[:, None].repeat(1, 2)
    substitutes[3, 1] = 2
    model.embedding_table.data[3] = model.embedding_table.data[1]
    bounds = model.bounds(model.distinct_with_substitutes(torch.tensor([[1, 1, 1, 3]]), substitutes))
    assert bounds.logits().low[0, 0] < bounds.logits().high[0, 1]
    assert bounds.close_margins(*torch.tensor([[0], [0], [1]])).item() > 0


def test_one_part_without_bounds_leaves_none():
    member = {"width": 4, "encoder": {"attention_xml": {"lstm": 2, "hidden": [3]}}}
    model = random_model("ensemble", {"members": [MEMBERS["members"][0], member]}, 0)
    batch = model.distinct_with_substitutes(torch.tensor([[1, 2]]), torch.arange(VOCABULARY)[:, None])
    assert model.bounds(batch) is None
