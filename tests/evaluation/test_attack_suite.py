"""Attacks in every way, and the checks: on a model that is what it seems, and on some that only seem robust."""

import numpy as np
import pytest
import torch

from toys import LinearClassifier, random_xml_cnn, split_of
from xmlcore.config.params import Robustness
from xmlcore.data.dataset import UNSEEN_LABEL
from xmlcore.defenses.squeezing import SqueezedEmbeddings
from xmlcore.evaluation.attack_checks import curves, sanity
from xmlcore.evaluation.attack_suite import Attack, Findings, Models, attack_embeddings
from xmlcore.models.base import Classifier
from xmlcore.ranking.metrics import RANKING, document_metrics, ranking_metrics

EPSILONS = [0.5, 2.0, 500.0]


def options(**changes) -> Robustness:
    given = {
        "documents": 25,
        "epsilon": 2.0,
        "epsilons": EPSILONS,
        "steps": 6,
        "step_size": 0.5,
        "restarts": 2,
        "noise": 3,
    }
    return Robustness(**(given | changes))


@pytest.fixture(scope="module")
def network():
    return random_xml_cnn(6)


@pytest.fixture(scope="module")
def findings(network):
    model, split = network
    return attack_embeddings(Models(model, None, [random_xml_cnn(6)[0]]), split, options(), seed=3)


def test_figures_of_each_document_average_to_those_of_all():
    rng = np.random.default_rng(0)
    right, counts = rng.random((40, 5)) < 0.3, rng.integers(0, 6, 40)
    assert dict(zip(RANKING, document_metrics(right, counts).mean(0), strict=True)) == pytest.approx(
        ranking_metrics(right, counts)
    )


def test_every_attack_on_the_same_documents_once(findings):
    kinds = {(attack.attack, attack.norm): 0 for attack in findings.attacks}
    for attack, figures in findings.attacks.items():
        kinds[attack.attack, attack.norm] += 1
        assert figures.shape == (25, len(RANKING)) == findings.clean.shape
    swept = {(name, "linf"): 3 for name in ("noise", "fgsm", "pgd", "pgd_margin")}
    assert kinds == swept | {(name, "linf"): 1 for name in ("pgd_top_k", "transfer")} | {("pgd", "l2"): 1}
    assert sorted(findings.steps) == [1, 5, 6, 12]
    assert sorted(findings.restarts) == [1, 2]
    assert findings.unaware is None


def test_the_worst_of_more_is_no_better(findings):
    for by_count in (findings.steps, findings.restarts):
        counts = sorted(by_count)
        for fewer, more in zip(counts, counts[1:], strict=False):
            assert (by_count[more] <= by_count[fewer]).all()
    pgd = findings.attacks[Attack("pgd", "linf", 2.0)]
    assert (pgd <= findings.clean).all()
    assert (findings.restarts[1] == pgd).all()


def test_the_same_twice_and_another_draw_with_another_seed(network, findings):
    model, split = network
    models = Models(model, None, [random_xml_cnn(6)[0]])
    again = attack_embeddings(models, split, options(), seed=3)
    assert all(np.array_equal(again.attacks[attack], figures) for attack, figures in findings.attacks.items())
    noise = Attack("noise", "linf", 500.0)
    other = attack_embeddings(models, split, options(), seed=4)
    assert not np.array_equal(other.attacks[noise], again.attacks[noise])


def test_more_documents_than_there_are_is_all_of_them(network):
    model, split = network
    found = attack_embeddings(Models(model, None, []), split, options(documents=10_000, epsilons=[2.0]), seed=3)
    assert len(found.clean) == len(split)


def test_what_is_checked_and_what_the_figures_are(findings):
    found = sanity(findings, 2.0)
    assert set(found["checks"]) == {
        "pgd_at_least_fgsm",
        "steps_converge",
        "restarts_converge",
        "success_grows_with_epsilon",
        "noise_weaker_than_fgsm",
        "transfer_weaker_than_white_box",
        "gradients_not_zero",
        "model_breaks",
    }
    assert found["P@1"]["worst"] <= min(found["P@1"][name] for name in ("fgsm", "pgd", "pgd_margin", "pgd_top_k"))
    assert {row["attack"] for row in curves(findings)} == set(found["P@1"]) - {"clean", "worst", "pgd_l2"}


class Rounded(LinearClassifier):
    """A defence whose rounding stops the gradient: FGSM and PGD see nothing to do, and the model seems robust."""

    def score(self, embeddings, mask):
        return super().score(embeddings.round().detach() + 0 * embeddings, mask)


def planted(kind: type[Classifier]):
    """Two words, each of which decides for its label, and documents of one word."""
    model = kind([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]], [[1.0, 0.0], [0.0, 1.0]])
    return model, split_of([[1], [2]] * 10, [[0], [1]] * 10)


def test_a_masked_gradient_is_found_out():
    """Noise, which needs no gradient, does more than FGSM, a random start more than none, and no epsilon is enough."""
    model, split = planted(Rounded)
    everywhere = options(documents=20, epsilon=500.0)
    found = sanity(attack_embeddings(Models(model, None, []), split, everywhere, seed=3), 500.0)
    assert found["zero_gradients"] == 1
    failed = {name for name, holds in found["checks"].items() if not holds}
    assert failed == {"gradients_not_zero", "model_breaks", "noise_weaker_than_fgsm", "restarts_converge"}
    honest, _ = planted(LinearClassifier)
    found = sanity(attack_embeddings(Models(honest, None, []), split, everywhere, seed=3), 500.0)
    assert found["checks"] == dict.fromkeys(found["checks"], True)


def test_transfer_finds_what_the_masked_gradient_hides():
    model, split = planted(Rounded)
    honest, _ = planted(LinearClassifier)
    epsilon = options(documents=20, epsilon=500.0)
    found = sanity(attack_embeddings(Models(model, None, [honest]), split, epsilon, seed=3), 500.0)
    assert not found["checks"]["transfer_weaker_than_white_box"]
    assert found["P@1"]["transfer"] < found["P@1"]["pgd"]


def test_squeezing_is_aimed_through():
    model, split = random_xml_cnn(6)
    defended = SqueezedEmbeddings(model, 4)
    found = sanity(attack_embeddings(Models(defended, model, []), split, options(), seed=3), 2.0)
    assert set(found["straight_through"]) == {"unaware", "aware"}
    assert found["straight_through"]["aware"] == found["P@1"]["pgd"]
    assert "straight_through_at_least_unaware" in found["checks"]


def judged(
    pgd=(0.5, 0.3, 0.0),
    fgsm=(0.6, 0.4, 0.2),
    steps=(0.5, 0.3, 0.3),
    restarts=(0.3, 0.3),
    zero=0.0,
    documents=100,
    transfer=None,
    unaware=None,
):
    def figures(precision: float) -> np.ndarray:
        return np.repeat([[precision]], len(RANKING), axis=1).repeat(documents, axis=0)

    attacks = {Attack("noise", "linf", epsilon): figures(0.9) for epsilon in EPSILONS}
    for name, values in (("pgd", pgd), ("fgsm", fgsm)):
        attacks |= {Attack(name, "linf", epsilon): figures(v) for epsilon, v in zip(EPSILONS, values, strict=True)}
    by_steps = {count: figures(value) for count, value in zip((1, 20, 40), steps, strict=True)}
    by_restarts = {count: figures(value) for count, value in enumerate(restarts, 1)}
    if transfer is not None:
        attacks[Attack("transfer", "linf", 2.0)] = figures(transfer)
    ignorant = None if unaware is None else figures(unaware)
    found = Findings(figures(0.95), np.arange(documents) < documents * zero, attacks, by_steps, by_restarts, ignorant)
    return {name for name, holds in sanity(found, 2.0)["checks"].items() if not holds}


@pytest.mark.parametrize(
    ("case", "failed"),
    [
        ({}, set()),
        ({"pgd": (0.61, 0.3, 0.0)}, {"pgd_at_least_fgsm"}),
        ({"pgd": (0.3, 0.35, 0.0)}, {"success_grows_with_epsilon"}),
        ({"pgd": (0.3, 0.305, 0.0)}, set()),
        ({"pgd": (0.5, 0.3, 0.1)}, {"model_breaks"}),
        ({"fgsm": (0.95, 0.4, 0.2)}, {"noise_weaker_than_fgsm"}),
        ({"steps": (0.5, 0.3, 0.2)}, {"steps_converge"}),
        ({"restarts": (0.3, 0.2)}, {"restarts_converge"}),
        ({"zero": 0.5}, {"gradients_not_zero"}),
        ({"transfer": 0.295, "unaware": 0.295}, set()),
        ({"transfer": 0.27, "unaware": 0.27}, {"transfer_weaker_than_white_box", "straight_through_at_least_unaware"}),
        ({"documents": 25, "steps": (0.5, 0.32, 0.28), "restarts": (0.3, 0.26)}, set()),  # one document more
        (
            {"documents": 25, "steps": (0.5, 0.32, 0.24), "restarts": (0.3, 0.22)},
            {"steps_converge", "restarts_converge"},
        ),
    ],
)
def test_each_check_fails_where_it_should(case, failed):
    assert judged(**case) == failed


def test_without_other_models_or_restarts_their_checks_are_left_out(network):
    model, split = network
    found = sanity(attack_embeddings(Models(model, None, []), split, options(restarts=1), seed=3), 2.0)
    assert not {"restarts_converge", "transfer_weaker_than_white_box"} & set(found["checks"])


def test_labels_never_seen_and_documents_without_words_are_attacked_too():
    model, _ = random_xml_cnn(6)
    split = split_of([[1], [1, 2, 3], [4]], [[UNSEEN_LABEL], [0], []])
    found = attack_embeddings(Models(model, None, []), split, options(documents=3), seed=3)
    assert all(np.isfinite(each).all() for each in found.attacks.values())


def test_fewer_labels_than_ranks():
    torch.manual_seed(0)
    model, split = planted(LinearClassifier)
    found = attack_embeddings(Models(model, None, []), split, options(documents=4), seed=3)
    assert found.clean[:, RANKING.index("P@5")].tolist() == [0.2] * 4
