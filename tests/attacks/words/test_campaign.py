import json

import pytest

from planted import FILLERS, LABELS, Listed, options
from xmlcore.attacks.words.campaign import GROUP, Campaign, by_frequency, figures, summary
from xmlcore.attacks.words.sampling import Bin, Sample
from xmlcore.attacks.words.similarity import CorpusEncoder
from xmlcore.attacks.words.texts import Text
from xmlcore.common.journal import Journal

EASY, HARD = " ".join(["grain", *FILLERS]), " ".join(["grain"] * 5 + FILLERS)
TEXTS = {
    0: Text("easy", EASY, (0, -1)),
    1: Text("hard", HARD, (0,)),
    2: Text("wrong", " ".join(["ship", *FILLERS]), (0,)),
}
RARE, COMMON = Bin(1, 4), Bin(5, 9)
SAMPLES = [
    Sample("positive", 0, (0,), RARE),
    Sample("positive", 1, (0,), COMMON),
    Sample("positive", 2, (0,), COMMON),
    Sample("negative", 0, (3,), RARE),
    Sample("non_targeted", 0, (), None),
    Sample("non_targeted", 2, (), None),
]


@pytest.fixture
def campaign(victim, language):
    return Campaign(victim, CorpusEncoder(language), TEXTS, LABELS, options(k=1, max_change=0.15))


def run(campaign, journal, samples=SAMPLES, generators=None):
    generators = generators or {"listed": Listed(["filler0", "gold"]), "none": Listed([])}
    return campaign.run(generators, samples, journal, lambda items, description: items)


def test_the_outcome_of_every_attack(campaign, tmp_path):
    rows = run(campaign, Journal(tmp_path / "j", ""))
    assert len(rows) == 2 * len(SAMPLES)
    easy, hard, wrong, negative, non_targeted, lost = rows[:6]
    assert easy["success"] and easy["changes"] == [{"position": 0, "word": "grain", "substitute": "filler0"}]
    assert (easy["labels"], easy["true_labels"], easy["doc_id"]) == ([LABELS[0]], [LABELS[0]], "easy")
    assert (easy["best_before"], easy["best_after"]) == ([LABELS[0]], [LABELS[5]])
    assert easy["ranks_before"] == [1] and easy["ranks_after"][0] > 1
    assert easy["bin"] == {"lowest": 1, "highest": 4}
    assert 0 <= easy["similarity"] < 1 and easy["change_rate"] == pytest.approx(1 / 9, abs=1e-6)
    assert not hard["success"] and hard["clean"] and len(hard["changes"]) == 1
    assert not wrong["clean"] and not wrong["success"] and wrong["similarity"] == 1
    assert negative["success"] and negative["goal"] == "negative"
    assert non_targeted["success"] and non_targeted["labels"] == [LABELS[0]]
    assert not lost["clean"]
    assert all(row["generator"] == "none" and not row["changes"] for row in rows[6:])
    assert json.loads(json.dumps(rows)) == rows


def test_a_killed_run_carries_on(campaign, tmp_path):
    samples = SAMPLES * GROUP
    whole = run(campaign, Journal(tmp_path / "whole", ""), samples)

    class Killed(Exception):
        pass

    class Killing(Listed):
        def propose(self, requests, count):
            if len(self.asked) > 10:
                raise Killed
            return super().propose(requests, count)

    generators = {"listed": Killing(["filler0", "gold"]), "none": Listed([])}
    with pytest.raises(Killed):
        run(campaign, Journal(tmp_path / "j", ""), samples, generators)
    done = len(Journal(tmp_path / "j", ""))
    assert 0 < done < len(samples) / GROUP
    witness = Listed(["filler0", "gold"])
    rows = run(campaign, Journal(tmp_path / "j", ""), samples, {"listed": witness, "none": Listed([])})
    assert rows == whole
    everything = Listed(["filler0", "gold"])
    run(campaign, Journal(tmp_path / "k", ""), samples, {"listed": everything, "none": Listed([])})
    assert 0 < len(witness.asked) < len(everything.asked)


def row(success, clean=True, similarity=0.9, **more):
    given = {
        "goal": "positive",
        "generator": "g",
        "bin": {"lowest": 1, "highest": 4},
        "change_rate": 0.1,
        "queries": 10,
    }
    return given | {"success": success, "clean": clean, "similarity": similarity} | more


ROWS = [row(True), row(True, similarity=0.6, change_rate=0.2), row(False, queries=40), row(False, clean=False)]


def test_the_figures_by_hand():
    assert figures(ROWS, [0.5, 0.8]) == {
        "samples": 4,
        "clean_accuracy": 0.75,
        "success_rate": 2 / 3,
        "accuracy_under_attack": 0.25,
        "success_rate@0.50": 2 / 3,
        "success_rate@0.80": 1 / 3,
    }
    assert figures([row(False, clean=False)], [0.8])["success_rate"] == 0


def test_the_summary_by_hand():
    found = summary([*ROWS, row(False, goal="negative")], ["positive", "negative", "non_targeted"], [0.8])
    assert found["positive"]["g"]["similarity"] == pytest.approx(0.75)
    assert found["positive"]["g"]["change_rate"] == pytest.approx(0.15)
    assert found["positive"]["g"]["queries"] == pytest.approx(17.5)
    assert found["negative"]["g"]["similarity"] is None
    assert found["non_targeted"] == {}


def test_the_figures_of_every_bin():
    rows = [*ROWS, row(True, bin={"lowest": 5, "highest": 9}), row(True, goal="non_targeted", bin=None)]
    rare, common = by_frequency(rows, [0.8])
    assert (rare["lowest"], rare["highest"], rare["samples"]) == (1, 4, 4)
    assert (common["goal"], common["generator"], common["success_rate"]) == ("positive", "g", 1.0)
