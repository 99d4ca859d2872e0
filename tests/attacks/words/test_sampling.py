import numpy as np
import pytest

from planted import GOALS, options
from toys import split_of
from xmlcore.attacks.words.clusters import label_clusters
from xmlcore.attacks.words.sampling import Bin, draw_samples, frequency_bins, read_samples, write_samples
from xmlcore.attacks.words.texts import read_texts
from xmlcore.common.errors import UserError
from xmlcore.data.dataset import EncodedCorpus
from xmlcore.data.tokens import Vocabulary

LABELS = 12
FREQUENCIES = np.array([1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 0, 89])
CLUSTERS = [np.arange(0, 4), np.arange(4, 8), np.arange(8, 12)]


def world(documents: int = 60):
    rng = np.random.default_rng(0)
    true = [rng.choice(LABELS, rng.integers(1, 4), replace=False).tolist() for _ in range(documents)]
    true[5] = [-1]
    lengths = [2 if i % 10 == 0 else 6 for i in range(documents)]
    best = np.array([rng.permutation(LABELS)[:5] for _ in range(documents)])
    return split_of([[2] * length for length in lengths], true), best


def draw(seed=7, **changes):
    split, best = world()
    return draw_samples(split, best, FREQUENCIES, CLUSTERS, options(**changes), seed), split, best


def test_every_sample_is_what_its_goal_asks_for():
    samples, split, best = draw()
    assert {sample.goal for sample in samples} == set(GOALS)
    for sample in samples:
        true, top = set(split.labels_of(sample.document)), set(best[sample.document, :3])
        assert split.lengths[sample.document] * 0.25 >= 1
        if sample.goal == "positive":
            assert set(sample.labels) <= true & top
        elif sample.goal == "non_targeted":
            assert not sample.labels and true & top
        else:
            assert not set(sample.labels) & (true | top)
        for label in sample.labels:
            assert FREQUENCIES[label] > 0
            assert sample.bin.lowest <= FREQUENCIES[label] <= sample.bin.highest
        if sample.goal == "negative_clustered":
            (cluster,) = (set(members) for members in CLUSTERS if sample.labels[0] in members)
            assert (cluster - set(sample.labels)) & true


def test_bins_have_equally_many_samples_each_once():
    samples, *_ = draw()
    for goal in GOALS[:3]:
        chosen = [sample for sample in samples if sample.goal == goal]
        counts = {each: sum(sample.bin == each for sample in chosen) for each in {sample.bin for sample in chosen}}
        assert len(counts) == 3 and len(set(counts.values())) == 1
        assert len({(sample.document, sample.labels) for sample in chosen}) == len(chosen)
    assert sum(sample.goal == "non_targeted" for sample in samples) == 12


def test_the_seed_decides():
    assert draw()[0] == draw()[0]
    assert draw()[0] != draw(seed=8)[0]


def test_a_set_of_labels():
    samples, split, best = draw(labels=3, k=5)
    assert any(len(sample.labels) > 1 for sample in samples if sample.goal == "positive")
    for sample in samples:
        true, top = set(split.labels_of(sample.document)), set(best[sample.document])
        assert len(set(sample.labels)) == len(sample.labels) <= 3
        assert set(sample.labels) <= true & top if sample.goal == "positive" else not set(sample.labels) & (true | top)


def test_samples_survive_their_file(tmp_path):
    samples, split, _ = draw()
    write_samples(samples, tmp_path / "targets.json")
    assert read_samples(tmp_path / "targets.json", len(split), LABELS) == samples


@pytest.mark.parametrize(("documents", "labels"), [(5, LABELS), (40, 2)])
def test_samples_of_another_corpus_are_refused(tmp_path, documents, labels):
    write_samples(draw()[0], tmp_path / "targets.json")
    with pytest.raises(UserError, match=r"targets\.json: .* not in the test split\); run attack_words again"):
        read_samples(tmp_path / "targets.json", documents, labels)


@pytest.mark.parametrize(
    ("goal", "change", "reason"),
    [
        ("positive", {"max_change": 0.01}, "words.max_change of each is less than one word"),
        ("non_targeted", {"max_change": 0.0}, "words.max_change of each is less than one word"),
        ("negative", {"k": LABELS}, f"words.k is {LABELS} of {LABELS} labels"),
    ],
)
def test_a_goal_that_does_not_apply_has_no_sample_which_is_said(capsys, goal, change, reason):
    split, _ = world()
    every = np.tile(np.arange(LABELS), (len(split), 1))
    assert draw_samples(split, every, FREQUENCIES, CLUSTERS, options(goals=[goal], **change), 7) == []
    said = " ".join("".join(capsys.readouterr()).split())
    assert f"the goal {goal} does not apply: no test document can be attacked so ({reason})" in said


def test_the_other_goals_go_on_where_one_has_no_near_documents():
    split, best = world()
    alone = [np.array([label]) for label in range(LABELS)]
    goals = ["negative_clustered", "positive"]
    samples = draw_samples(split, best, FREQUENCIES, alone, options(goals=goals), 7)
    assert {sample.goal for sample in samples} == {"positive"}


@pytest.mark.parametrize(
    ("frequencies", "count", "expected"),
    [
        ([1, 2, 3, 4], 2, [(1, 2), (3, 4)]),
        ([1, 1, 1, 1, 9], 2, [(1, 9)]),
        ([1, 1, 5, 9, 9, 9], 3, [(1, 4), (5, 8), (9, 9)]),
        ([4], 4, [(4, 4)]),
        ([], 4, []),
    ],
)
def test_bins_by_hand(frequencies, count, expected):
    found = frequency_bins(np.array(frequencies), count)
    assert [(each.lowest, each.highest) for each in found] == expected
    assert all(isinstance(each, Bin) for each in found)


def test_clusters_hold_like_labels_and_no_fewer_than_asked():
    documents = [[2 + group] * 5 for group in range(4) for _ in range(3)]
    labels = [[4 * member + group] for group in range(4) for member in range(3)]
    clusters = label_clusters(split_of(documents, labels), 12, smallest=3, seed=0)
    assert sorted(label for members in clusters for label in members) == list(range(12))
    assert sorted({label % 4 for label in members} for members in clusters) == sorted([{0}, {1}, {2}, {3}])
    assert [len(each) for each in label_clusters(split_of(documents, labels), 12, smallest=7, seed=0)] == [12]


def test_records_that_end_too_early_are_named(tmp_path):
    (tmp_path / "test.tsv").write_text("1\ta\ttext\n")
    corpus = EncodedCorpus(Vocabulary(["text"]), ["a"], "words", 5, splits={"test": split_of([[2], [2]], [[0], [0]])})
    assert read_texts(tmp_path / "test.tsv", corpus, {0})[0].text == "text"
    with pytest.raises(UserError, match=r"test\.tsv: ends before document 1, which is attacked; run convert again"):
        read_texts(tmp_path / "test.tsv", corpus, {0, 1})
