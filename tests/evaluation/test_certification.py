import numpy as np
import pytest
import torch

from toys import LinearClassifier, random_xml_cnn, split_of, topics
from xmlcore.baselines.linear import fit_linear
from xmlcore.config.params import Baseline
from xmlcore.defenses.squeezing import squeeze
from xmlcore.evaluation.certification import certification

LABELS = 7


def alike():
    """An XML-CNN whose tokens are so much alike that some certificates hold, its documents and substitutes."""
    model, split = random_xml_cnn(LABELS)
    model.embedding.weight.data[1:] = model.embedding.weight.data[1:2] + 0.1 * model.embedding.weight.data[1:]
    rng = np.random.default_rng(1)
    substitutes = torch.from_numpy(np.column_stack([np.arange(20), rng.integers(1, 20, (20, 2))]))
    substitutes[0] = 0
    return model, split, substitutes


def test_certified_is_at_most_attacked_and_that_at_most_clean():
    model, split, substitutes = alike()
    found = certification(model, split, substitutes, steps=3, max_change=0.2)
    assert found["certified"] is not None and found["violations"] == 0 and found["documents"] == len(split)
    for k in ("P@1", "P@3", "P@5"):
        assert found["certified"][k] <= found["attacked"][k] <= found["clean"][k]
        assert found["certified"][k] <= found["certified_few"][k] <= found["clean"][k]
    assert found["certified"]["P@5"] < found["certified_few"]["P@5"] and found["max_change"] == 0.2
    assert 0 < found["certified"]["P@5"] < found["attacked"]["P@5"] < found["clean"]["P@5"]


def test_substitutes_are_counted_by_the_words_of_the_documents():
    model, split, _ = alike()
    substitutes = torch.arange(20)[:, None].repeat(1, 3)
    substitutes[5, 1:] = torch.tensor([6, 7])
    found = certification(model, split, substitutes, steps=1, max_change=0.2)
    assert found["substitutes"] == 2 * float((split.tokens == 5).mean())
    assert found["substitutes"] > 0


def test_a_defence_on_the_embeddings_is_certified_and_one_on_the_outputs_is_not():
    model, split, substitutes = alike()
    squeezed = certification(squeeze(model, "embeddings", 8), split, substitutes, steps=3, max_change=0.2)
    assert squeezed["certified"] is not None and squeezed["violations"] == 0
    assert 0 < squeezed["certified"]["P@5"] <= squeezed["attacked"]["P@5"]
    assert certification(squeeze(model, "outputs", 8), split, substitutes, steps=1, max_change=0.2)["certified"] is None


def test_a_model_without_bounds_is_attacked_all_the_same():
    model = LinearClassifier([[0.0], [1.0], [-1.0]], [[1.0, 0.0]])
    substitutes = torch.tensor([[0, 0], [1, 2], [2, 2]])
    found = certification(model, split_of([[1, 1]], [[0]]), substitutes, steps=1, max_change=0.2)
    assert found["certified"] is found["certified_few"] is None and found["violations"] == 0
    assert found["clean"]["P@1"] == 1 and found["attacked"]["P@1"] == 0


@pytest.mark.parametrize("group", [200, 10], ids=["one group", "groups of ten"])
def test_a_linear_classifier_is_attacked_by_its_scores_and_certified(group):
    split = topics(40, 1)
    substitutes = torch.arange(100)[:, None].repeat(1, 2)
    substitutes[1:81:3, 1] += 3  # a word of another label
    model = fit_linear(topics(300, 0), 40, 100, Baseline(group=group), seed=7)
    found = certification(model, split, substitutes, steps=2, max_change=0.2)
    assert found["violations"] == 0
    for k in ("P@1", "P@3", "P@5"):
        assert found["certified"][k] <= found["attacked"][k] <= found["clean"][k]
        assert found["certified"][k] <= found["certified_few"][k] <= found["clean"][k]
    assert 0 < found["certified"]["P@1"] < found["clean"]["P@1"] and found["attacked"]["P@1"] < found["clean"]["P@1"]
