from math import log2

import numpy as np
import pytest
from ranked import CASES, Ranked, ranked
from sklearn.metrics import f1_score, precision_score, recall_score

from toys import split_of
from xmlcore.data.dataset import UNSEEN_LABEL
from xmlcore.data.propensity import propensities
from xmlcore.ranking.metrics import KS
from xmlcore.ranking.predictions import Predictions
from xmlcore.ranking.summary import bin_names, label_bins, ranking_report

KEYS = (
    "P@1 P@3 P@5 nDCG@1 nDCG@3 nDCG@5 PSP@1 PSP@3 PSP@5 PSnDCG@1 PSnDCG@3 PSnDCG@5 recall@1 recall@3 recall@5 "
    "micro_F1@1 micro_F1@3 micro_F1@5 micro_F1 macro_F1@1 macro_F1@3 macro_F1@5 macro_F1"
)
BIN_KEYS = (
    "frequency labels pairs recall@1 recall@3 recall@5 recall precision@1 precision@3 precision@5 precision "
    "micro_F1@1 micro_F1@3 micro_F1@5 micro_F1 macro_F1@1 macro_F1@3 macro_F1@5 macro_F1 P@1 P@3 P@5 PSP@1 PSP@3 PSP@5"
)
EDGES = [5, 20]


def columns(case: Ranked) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and propensities (L + 1,) of `case`, of 1000 training documents."""
    frequencies = case.frequencies[: case.labels + 1]
    return frequencies, propensities(frequencies, 1000, 0.55, 1.5)


def report(case: Ranked) -> dict[str, float]:
    return ranking_report(case.predictions, case.split, columns(case)[1])


def predicted(case: Ranked, cut: str) -> np.ndarray:
    """(N, L + U) bool: the set that the cut takes."""
    dense = np.zeros(case.truth.shape, bool)
    for row, labels, scores in zip(dense, case.predictions.labels, case.predictions.scores, strict=True):
        row[labels[: int(cut[1:])] if cut else labels[scores >= 0.5]] = True
    return dense


def from_the_formulae(case: Ranked, k: int) -> dict[str, float]:
    weights = 1 / propensities(case.frequencies, 1000, 0.55, 1.5)
    sums = dict.fromkeys(["P", "nDCG", "recall", "PSP", "best PSP", "PSnDCG", "best PSnDCG"], 0.0)
    for truth, ranking in zip(case.truth, case.predictions.labels, strict=True):
        labels = np.flatnonzero(truth)
        gains = [truth[label] for label in ranking[:k]]
        weighted = [truth[label] * weights[label] for label in ranking[:k]]
        best = sorted(weights[labels], reverse=True)[:k]
        sums["P"] += sum(gains) / k
        if len(labels):
            ideal = dcg([1] * min(k, len(labels)))
            sums["nDCG"] += dcg(gains) / ideal
            sums["recall"] += sum(gains) / len(labels)
            sums["PSP"] += sum(weighted) / k
            sums["best PSP"] += sum(best) / k
            sums["PSnDCG"] += dcg(weighted) / ideal
            sums["best PSnDCG"] += dcg(best) / ideal
    documents, labelled = len(case.truth), case.truth.any(1).sum()
    return {
        f"P@{k}": sums["P"] / documents,
        f"nDCG@{k}": sums["nDCG"] / documents,
        f"recall@{k}": sums["recall"] / labelled,
        f"PSP@{k}": sums["PSP"] / sums["best PSP"],
        f"PSnDCG@{k}": sums["PSnDCG"] / sums["best PSnDCG"],
    }


def dcg(gains):
    return sum(gain / log2(rank + 2) for rank, gain in enumerate(gains))


def hand_case() -> tuple[Predictions, object]:
    """Labels 0 to 4 and two documents, one of which has two labels that training never saw."""
    top = np.array([[0, 1, 2, 3, 4], [4, 3, 0, 1, 2]], np.int32)
    scores = np.array([[0.9, 0.5, 0.4, 0.2, 0.1], [0.6, 0.3, 0.2, 0.1, 0.0]], np.float32)
    return Predictions(top, scores), split_of([[1]] * 2, [[0, 2], [UNSEEN_LABEL, UNSEEN_LABEL, 3]])


def test_keys():
    case = ranked(0, 12)
    rows = label_bins(case.predictions, case.split, *columns(case), EDGES)
    assert " ".join(report(case)) == KEYS
    assert [" ".join(row) for row in rows] == [BIN_KEYS] * 4
    assert {type(value) for value in report(case).values()} == {float}


def test_report_by_hand():
    stored, split = hand_case()
    found = ranking_report(stored, split, np.array([1, 1, 1 / 2, 1 / 4, 1, 1 / 8]))
    expected = {
        "P@1": 1 / 2,
        "P@3": 3 / 6,
        "PSP@1": 1 / (2 + 8),
        "PSP@3": (3 + 4) / (3 + 20),
        "recall@1": (1 / 2 + 0) / 2,
        "recall@3": (1 + 1 / 3) / 2,
        "micro_F1@1": 2 * 1 / (2 + 5),
        "micro_F1": 2 * 1 / (3 + 5),  # 0.5 is predicted
        "macro_F1@1": (1 + 0 + 0) / 3,  # labels 0, 2 and 3 occur; 4, which is predicted, does not
        "macro_F1": (1 + 0 + 0) / 3,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected)


def test_bins_by_hand():
    stored, split = hand_case()
    chances = np.array([1, 1, 1 / 2, 1 / 4, 1, 1 / 8])
    rows = label_bins(stored, split, np.array([30, 6, 5, 1, 20, 0]), chances, EDGES)
    assert [row["frequency"] for row in rows] == ["0", "1-5", "6-20", "21+"]
    assert [row["labels"] for row in rows] == [0, 2, 2, 1]  # the unseen are not told apart
    assert [row["pairs"] for row in rows] == [2, 2, 0, 1]
    assert [row["recall@3"] for row in rows] == [0, 1, 0, 1]
    assert [row["precision@3"] for row in rows] == [0, 1, 0, 1 / 2]
    assert [row["micro_F1@3"] for row in rows] == pytest.approx([0, 1, 0, 2 / 3])
    assert [row["macro_F1"] for row in rows] == [0, 0, 0, 1]
    assert [row["P@3"] for row in rows] == pytest.approx([0, 2 / 6, 0, 1 / 6])
    assert [row["PSP@3"] for row in rows] == pytest.approx([0, 6 / 23, 0, 1 / 23])


def test_macro_f1_of_the_bin_of_no_training_document_is_of_its_known_labels():
    stored, split = hand_case()
    bin_0, *_ = label_bins(stored, split, np.array([0, 6, 5, 1, 20, 0]), np.full(6, 0.5), EDGES)
    assert (bin_0["labels"], bin_0["pairs"]) == (1, 3)
    assert bin_0["macro_F1@1"] == 1
    assert bin_0["micro_F1@1"] == pytest.approx(2 / 4)


@pytest.mark.parametrize(
    ("edges", "names"),
    [([5, 20, 100], "0 1-5 6-20 21-100 101+"), ([1], "0 1 2+"), ([1, 2, 5], "0 1 2 3-5 6+")],
)
def test_bin_names(edges, names):
    assert " ".join(bin_names(edges)) == names


@pytest.mark.parametrize(("seed", "labels"), CASES)
def test_as_the_formulae_say(seed, labels):
    case = ranked(seed, labels)
    found = report(case)
    for k in KS:
        expected = from_the_formulae(case, k)
        assert {key: found[key] for key in expected} == pytest.approx(expected)


@pytest.mark.parametrize(("seed", "labels"), CASES)
def test_f1_as_scikit_learn(seed, labels):
    case = ranked(seed, labels)
    found = report(case)
    for cut in (*(f"@{k}" for k in KS), ""):
        chosen = predicted(case, cut)
        true = np.flatnonzero(case.truth[:, :labels].any(0))
        assert found[f"micro_F1{cut}"] == pytest.approx(f1_score(case.truth, chosen, average="micro"))
        assert found[f"macro_F1{cut}"] == pytest.approx(f1_score(case.truth, chosen, labels=true, average="macro"))


@pytest.mark.parametrize(("seed", "labels"), CASES)
def test_bins_as_scikit_learn(seed, labels):
    case = ranked(seed, labels)
    low, high = np.array([-1, 0, *EDGES]), np.array([0, *EDGES, 1000])
    for i, row in enumerate(label_bins(case.predictions, case.split, *columns(case), EDGES)):
        members = (low[i] < case.frequencies) & (case.frequencies <= high[i])
        assert row["pairs"] == case.truth[:, members].sum()
        assert row["labels"] == members[:labels].sum()
        for cut in (*(f"@{k}" for k in KS), ""):
            # Two empty columns keep scikit-learn from taking a bin of one label, or of none, for binary classification.
            binned = [np.pad(pairs[:, members], ((0, 0), (0, 2))) for pairs in (case.truth, predicted(case, cut))]
            options = {"average": "micro", "zero_division": 0}
            assert row[f"recall{cut}"] == pytest.approx(recall_score(*binned, **options))
            assert row[f"precision{cut}"] == pytest.approx(precision_score(*binned, **options))
            assert row[f"micro_F1{cut}"] == pytest.approx(f1_score(*binned, **options))
            if i and binned[0].any():
                true = np.flatnonzero(binned[0].any(0))
                assert row[f"macro_F1{cut}"] == pytest.approx(f1_score(*binned, labels=true, average="macro"))


@pytest.mark.parametrize(("seed", "labels"), CASES)
def test_contributions_of_the_bins_sum_to_the_whole(seed, labels):
    case = ranked(seed, labels)
    whole = report(case)
    rows = label_bins(case.predictions, case.split, *columns(case), EDGES)
    for key in (f"{name}@{k}" for name in ("P", "PSP") for k in KS):
        assert sum(row[key] for row in rows) == pytest.approx(whole[key])
    assert sum(row["pairs"] for row in rows) == case.truth.sum()


@pytest.mark.parametrize(("seed", "labels"), [case for case in CASES if case[1] >= 5])
def test_an_unseen_label_is_like_a_known_one_of_no_training_document(seed, labels):
    case = ranked(seed, labels)
    known = split_of([[1]] * len(case.truth), [np.flatnonzero(row) for row in case.truth])
    weights = propensities(np.append(case.frequencies, 0), 1000, 0.55, 1.5)
    found, expected = ranking_report(case.predictions, known, weights), report(case)
    of_all = [key for key in expected if not key.startswith("macro")]
    assert {key: found[key] for key in of_all} == pytest.approx({key: expected[key] for key in of_all})


@pytest.mark.parametrize(("seed", "labels"), CASES)
def test_as_napkinxc(seed, labels):
    metrics = pytest.importorskip("napkinxc.metrics")
    case = ranked(seed, labels)
    found = report(case)
    weights = 1 / propensities(case.frequencies, 1000, 0.55, 1.5)
    truth = [np.flatnonzero(row).tolist() for row in case.truth]
    ranking = case.predictions.labels.tolist()
    labelled = [i for i, labels in enumerate(truth) if labels]
    only = [truth[i] for i in labelled], [ranking[i] for i in labelled]
    expected = {
        "P": metrics.precision_at_k(truth, ranking, k=5),
        "nDCG": metrics.ndcg_at_k(truth, ranking, k=5, zero_division=0),
        "recall": metrics.recall_at_k(*only, k=5),
        "PSP": metrics.psprecision_at_k(truth, ranking, weights, k=5),
        "PSnDCG": metrics.psndcg_at_k(truth, ranking, weights, k=5),
    }
    for name, values in expected.items():
        assert [found[f"{name}@{k}"] for k in KS] == pytest.approx([values[k - 1] for k in KS]), name
    chosen = [np.flatnonzero(row).tolist() for row in predicted(case, "")]
    assert found["micro_F1"] == pytest.approx(metrics.micro_f1_measure(truth, chosen))


@pytest.mark.parametrize("labels", [3, 40])
def test_the_truth_itself_attains_one(labels):
    rng = np.random.default_rng(0)
    weights = propensities(np.append(rng.integers(1, 30, labels), 0), 1000, 0.55, 1.5)
    rankings = np.argsort(weights[:-1] + 1e-9 * rng.random((20, labels)), axis=1)  # rarest first
    split = split_of([[1]] * 20, [sorted(row[:3]) for row in rankings])
    top = rankings[:, :8].astype(np.int32)
    found = ranking_report(Predictions(top, (np.arange(8) < 3)[None, : top.shape[1]].repeat(20, 0)), split, weights)
    for key in ("PSP@1", "PSP@3", "PSP@5", "PSnDCG@1", "PSnDCG@5", "recall@3", "nDCG@5", "micro_F1@3", "macro_F1"):
        assert found[key] == pytest.approx(1), key


def test_documents_without_any_label_measure_zero():
    stored, _ = hand_case()
    empty = split_of([[1]] * 2, [[], []])
    assert set(ranking_report(stored, empty, np.full(6, 0.5)).values()) == {0.0}
    for row in label_bins(stored, empty, np.array([1, 1, 1, 1, 1, 0]), np.full(6, 0.5), EDGES):
        assert {value for key, value in row.items() if key not in ("frequency", "labels")} == {0}


def test_too_few_stored_labels_are_refused():
    stored, split = hand_case()
    narrow = Predictions(stored.labels[:, :4], stored.scores[:, :4])
    with pytest.raises(ValueError, match="best 5 labels of a document and 4 are stored"):
        ranking_report(narrow, split, np.full(6, 0.5))
    with pytest.raises(ValueError, match="4 are stored"):
        label_bins(narrow, split, np.ones(6, int), np.full(6, 0.5), EDGES)
