import numpy as np
import pytest

from xmlcore.attacks.words.goals import Target

RANKS = np.array([[1, 2], [6, 2], [6, 7], [1, 9]])


@pytest.mark.parametrize(
    ("goal", "decisive", "expected"),
    [
        ("positive", (True, True), [False, False, True, False]),
        ("negative", (True, True), [True, False, False, False]),
        ("negative_clustered", (True, True), [True, False, False, False]),
        ("non_targeted", (True, True), [False, True, True, True]),
        ("non_targeted", (True, False), [False, True, True, False]),
        ("non_targeted", (False, False), [False] * 4),
    ],
)
def test_when_a_goal_is_reached(goal, decisive, expected):
    assert Target(0, goal, (3, 4), decisive).reached(RANKS, k=5).tolist() == expected


@pytest.mark.parametrize(
    ("goal", "ranks", "expected"),
    [
        ("positive", [1, 5], True),
        ("positive", [1, 6], False),
        ("negative", [6, 7], True),
        ("negative_clustered", [6, 5], False),
        ("non_targeted", [1, 2], True),
    ],
)
def test_whether_there_is_something_to_do(goal, ranks, expected):
    assert Target(0, goal, (3, 4), (True, True)).untouched(np.array(ranks), k=5) is expected


def test_without_a_true_label_among_the_best_there_is_nothing_to_do():
    assert not Target(0, "non_targeted", (3, 4), (False, False)).untouched(np.array([1, 2]), k=5)


def test_the_gain_is_the_change_of_all_scores_in_the_wanted_direction():
    scores, before = np.array([[1.0, 2.0], [5.0, 0.0]]), np.array([2.0, 2.0])
    assert Target(0, "positive", (3, 4), (True, True)).gain(scores, before).tolist() == [1.0, -1.0]
    assert Target(0, "negative", (3, 4), (True, True)).gain(scores, before).tolist() == [-1.0, 1.0]
