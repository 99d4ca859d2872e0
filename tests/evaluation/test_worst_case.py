"""The worst case of each document: what falls stays down, and what only seems robust is found out."""

from itertools import pairwise

import pytest

from toys import LinearClassifier, random_xml_cnn, split_of
from xmlcore.attacks.embeddings.fgsm import relative_size
from xmlcore.config.params import Cascade, Robustness
from xmlcore.data.dataset import UNSEEN_LABEL
from xmlcore.defenses.squeezing import SqueezedEmbeddings
from xmlcore.evaluation.attack_checks import sanity
from xmlcore.evaluation.attack_suite import Models, attack_embeddings
from xmlcore.evaluation.worst_case import worst_case

OPTIONS = Cascade(documents=30, steps=10, queries=60)


def found_of(model, split, epsilon=1.0, options=OPTIONS, seed=3):
    return worst_case([model], split, epsilon=epsilon, options=options, seed=seed)


@pytest.fixture(scope="module")
def network():
    return random_xml_cnn(6)


def test_each_attack_leaves_no_more_than_the_one_before(network):
    found = found_of(*network)
    after = [*found["P@1"].values()]
    assert [*found["P@1"]] == ["clean", "fgsm", "pgd_margin", "apgd", "apgd_margin", "fab", "square"]
    assert all(low <= high for high, low in pairwise(after)) and after[-1] < after[1] < after[0]
    assert found["worst"]["mean"] == after[-1]
    assert found["worst"]["low"] <= after[-1] <= found["worst"]["high"]
    assert found["relative_size"] == relative_size(1.0, 8)


def test_it_is_no_weaker_than_all_attacks_of_the_suite(network):
    model, split = network
    options = Robustness(documents=30, epsilon=1.0, epsilons=[1.0], steps=10, restarts=2, noise=3)
    suite = sanity(attack_embeddings(Models(model, None, []), split, options, seed=3), 1.0)
    found = found_of(model, split)
    assert found["P@1"]["clean"] == pytest.approx(suite["P@1"]["clean"])
    assert found["worst"]["mean"] <= suite["P@1"]["worst"] + 1e-9


def test_more_may_move_further_and_nothing_moves_nowhere(network):
    near, far = (found_of(*network, epsilon=epsilon)["worst"]["mean"] for epsilon in (0.5, 500.0))
    assert far <= near
    still = found_of(*network, epsilon=1e-9)["P@1"]
    assert still["square"] == still["clean"]


def test_the_same_twice_and_in_any_batches(network, monkeypatch):
    model, split = network
    assert found_of(model, split) == found_of(model, split)
    monkeypatch.setattr("xmlcore.evaluation.worst_case.BATCH_SIZE", 30)
    assert found_of(model, split)["P@1"]["pgd_margin"] <= found_of(model, split)["P@1"]["clean"]


class Counted(LinearClassifier):
    """Counts the documents that it scores."""

    scored = 0

    def score(self, embeddings, mask):
        self.scored += len(mask)
        return super().score(embeddings, mask)


class Rounded(LinearClassifier):
    """A defence whose rounding stops the gradient: no attack by gradients sees anything to do."""

    def score(self, embeddings, mask):
        return super().score(embeddings.round().detach() + 0 * embeddings, mask)


def planted(kind):
    """Two words, each of which decides for its label, and documents of one word."""
    model = kind([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]], [[1.0, 0.0], [0.0, 1.0]])
    return model, split_of([[1], [2]] * 10, [[0], [1]] * 10)


def test_what_has_fallen_is_left_alone():
    model, split = planted(Counted)
    assert found_of(model, split, epsilon=500.0)["P@1"]["fgsm"] == 0
    assert model.scored == 20 + 2 * 20  # untouched, and the two points of FGSM


def test_a_search_without_gradients_finds_out_a_masked_gradient():
    after = found_of(*planted(Rounded), epsilon=20.0)["P@1"]
    assert after["fgsm"] == after["apgd"] == 1
    assert after["square"] == 0


def test_a_defence_is_attacked_from_the_gradient_of_the_bare_model_too():
    model, split = planted(Rounded)
    honest, _ = planted(LinearClassifier)
    found = worst_case([model, honest], split, epsilon=20.0, options=OPTIONS, seed=3)
    assert found["P@1"]["fgsm"] == 0


def test_squeezed_embeddings_are_aimed_through(network):
    model, split = network
    found = found_of(SqueezedEmbeddings(model, 4), split)
    assert found["worst"]["mean"] < found["P@1"]["clean"]


def test_documents_without_a_known_label_are_lost_from_the_start():
    model, _ = random_xml_cnn(6)
    found = found_of(model, split_of([[1], [1, 2, 3]], [[UNSEEN_LABEL], []]))
    assert set(found["P@1"].values()) == {0}


def test_no_more_documents_than_asked(network):
    assert found_of(*network, options=Cascade(documents=7, steps=1, queries=1))["documents"] == 7
    assert found_of(*network, options=Cascade(documents=900, steps=1, queries=1))["documents"] == 30
