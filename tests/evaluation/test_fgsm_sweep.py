import numpy as np
import pytest
import torch
from torch.nn import functional

from toys import LinearClassifier, random_xml_cnn, split_of
from xmlcore.attacks.embeddings.fgsm import fgsm_step, gradient_sign
from xmlcore.data.batches import batches, pad, true_labels
from xmlcore.data.dataset import Split
from xmlcore.data.tokens import PAD
from xmlcore.defenses.squeezing import squeeze
from xmlcore.evaluation.fgsm_sweep import Attacked, Setting, fgsm_sweep, squeezing_settings
from xmlcore.models.xml_cnn.model import XMLCNN
from xmlcore.ranking.metrics import hits, ranking_metrics
from xmlcore.ranking.predictions import predict

BARE = Setting("none", "aware")
LABELS = 7


@pytest.fixture
def breakable() -> tuple[LinearClassifier, Split]:
    """Token i speaks for label i - 1 alone, so that the perturbation which flips a document is known.

    Embeddings are unit vectors, so the step is epsilon / 10. A step of s moves the true logit from 1 to 1 - s and all
    others from 0 to s: the prediction turns wrong at s = 0.5, epsilon = 5.
    """
    model = LinearClassifier(np.eye(LABELS + 1, dtype=np.float32)[:, 1:].tolist(), torch.eye(LABELS).tolist())
    tokens = range(1, LABELS + 1)
    return model, split_of([[token] * token for token in tokens], [[token - 1] for token in tokens])


@pytest.fixture
def random() -> tuple[XMLCNN, Split]:
    return random_xml_cnn(LABELS)


def of(results: list[Attacked], setting: Setting) -> dict[float, Attacked]:
    return {result.epsilon: result for result in results if result.setting == setting}


def test_the_attack_succeeds_exactly_where_it_must(breakable):
    model, split = breakable
    results = of(fgsm_sweep(model, split, epsilons=[0.0, 4.9, 5.1], settings=[BARE], bits=8), BARE)
    assert {epsilon: result.metrics["P@1"] for epsilon, result in results.items()} == {0.0: 1, 4.9: 1, 5.1: 0}
    assert results[5.1].metrics["gap@1"] == 1
    assert results[4.9].metrics["gap@1"] == 0


def test_epsilon_zero_is_the_clean_prediction_and_always_there(random):
    model, split = random
    clean = ranking_metrics(
        hits(predict(model, split, 5).labels, split, np.arange(len(split))), np.diff(split.label_offsets)
    )
    (result,) = fgsm_sweep(model, split, epsilons=[], settings=[BARE], bits=8)
    assert result.epsilon == 0
    assert result.metrics == pytest.approx(clean | {"gap@1": 0, "gap@3": 0, "gap@5": 0})


def test_rows_come_by_setting_then_by_epsilon(breakable):
    settings = [BARE, Setting("embeddings", "aware")]
    results = fgsm_sweep(*breakable, epsilons=[0.0, 0.5, 0.1], settings=settings, bits=8)
    assert [(result.setting, result.epsilon) for result in results] == [(s, e) for s in settings for e in (0, 0.5, 0.1)]
    assert [*results[0].row()] == [
        *("epsilon", "squeeze", "attacker"),
        *("P@1", "P@3", "P@5", "nDCG@1", "nDCG@3", "nDCG@5", "gap@1", "gap@3", "gap@5"),
        "tied",
    ]


def one_at_a_time(model, split, setting, epsilon, bits, batch_size):
    """P@k and nDCG@k of one setting at one epsilon, with nothing shared."""
    defended = squeeze(model, setting.squeeze, bits)
    aims = [model, defended] if setting.attacker == "aware" else [model]
    found = np.zeros((len(split), 5), bool)
    for documents in batches(split.lengths, batch_size):
        tokens, labels = pad([split.document(i) for i in documents]), true_labels(split, documents)
        targets = labels.targets(labels.ids, model.labels)
        batch = model.distinct(tokens)
        attacked = [batch.embeddings() + fgsm_step(batch, gradient_sign(aim, batch, labels), epsilon) for aim in aims]
        logits = torch.stack([defended.score(embeddings, tokens != PAD) for embeddings in attacked])
        losses = functional.binary_cross_entropy_with_logits(logits, targets.expand_as(logits), reduction="none").sum(2)
        worst = logits[losses.argmax(0), torch.arange(len(tokens))]
        best = worst.topk(6).indices[:, :5]  # of equal scores, topk(5) may choose others
        found[documents] = hits(best.numpy(), split, documents)
    return ranking_metrics(found, np.diff(split.label_offsets))


@pytest.mark.parametrize("bits", [2, 8])
def test_the_one_pass_sweep_is_every_setting_at_every_epsilon_by_itself(random, bits):
    model, split = random
    settings = squeezing_settings(Setting("embeddings", "aware"))
    results = fgsm_sweep(model, split, epsilons=[0.0, 0.5, 2.0], settings=settings, bits=bits, batch_size=8)
    assert len(results) == 3 * len(settings)
    for result in results:
        alone = one_at_a_time(model, split, result.setting, result.epsilon, bits, batch_size=8)
        assert {key: result.metrics[key] for key in alone} == pytest.approx(alone), result


def test_an_attack_that_aims_through_a_coarse_squeezing_differs_from_one_that_does_not(random):
    settings = [Setting("embeddings", "aware"), Setting("embeddings", "unaware")]
    results = fgsm_sweep(*random, epsilons=[2.0], settings=settings, bits=2)
    aware, unaware = (of(results, setting)[2.0].metrics for setting in settings)
    assert aware != unaware


def test_the_gap_of_a_setting_is_to_its_own_clean_metrics(random):
    settings = squeezing_settings(BARE)
    results = fgsm_sweep(*random, epsilons=[2.0], settings=settings, bits=2)
    for setting in settings:
        clean, attacked = (of(results, setting)[epsilon].metrics for epsilon in (0.0, 2.0))
        for k in (1, 3, 5):
            assert attacked[f"gap@{k}"] == pytest.approx(clean[f"P@{k}"] - attacked[f"P@{k}"])


def test_tied_is_the_share_of_documents_whose_best_scores_are_equal():
    table = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    model = LinearClassifier(table, [[6.0, 5, 4, 3, 2, 1, 0], [6.0, 5, 5, 3, 2, 1, 0]])
    split = split_of([[1], [2]], [[0], [0]])
    assert fgsm_sweep(model, split, epsilons=[], settings=[BARE], bits=8)[0].tied == 0.5
    assert fgsm_sweep(model, split, epsilons=[], settings=[Setting("outputs", "aware")], bits=1)[0].tied == 1


def test_the_sweep_does_not_depend_on_the_batch_where_all_norms_are_equal(random):
    model, split = random
    settings = [BARE, Setting("both", "aware")]
    one, many = (
        fgsm_sweep(model, split, epsilons=[1.0], settings=settings, bits=8, batch_size=size) for size in (1, 64)
    )
    for alone, together in zip(one, many, strict=True):
        assert alone.metrics == pytest.approx(together.metrics)


def test_the_sweep_leaves_the_model_as_it_was(random):
    model, split = random
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    fgsm_sweep(model, split, epsilons=[1.0], settings=squeezing_settings(BARE), bits=8)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_an_attacker_who_knows_of_the_squeezing_hurts_no_less(random):
    # By the loss, document by document; P@1 follows here.
    for where in ("embeddings", "outputs", "both"):
        settings = [Setting(where, "aware"), Setting(where, "unaware")]
        results = fgsm_sweep(*random, epsilons=[2.0], settings=settings, bits=2)
        aware, unaware = (of(results, setting)[2.0].metrics["P@1"] for setting in settings)
        assert aware <= unaware


def test_the_ablation_holds_each_squeezing_against_both_attackers_once():
    pairs = [(setting.squeeze, setting.attacker) for setting in squeezing_settings(Setting("embeddings", "aware"))]
    assert sorted(pairs) == [
        ("both", "aware"),
        ("both", "unaware"),
        ("embeddings", "aware"),
        ("embeddings", "unaware"),
        ("none", "aware"),
        ("outputs", "aware"),
        ("outputs", "unaware"),
    ]


def test_progress_is_told_the_number_of_batches(breakable):
    seen = []

    def track(items, description, total=None):
        seen.append((total, len(items := list(items))))
        return items

    model, split = breakable
    predict(model, split, 1, track, batch_size=3)
    fgsm_sweep(model, split, epsilons=[], settings=[BARE], bits=8, track=track, batch_size=3)
    assert seen == [(3, 3), (3, 3)]
