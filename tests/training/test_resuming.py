"""A training that is killed anywhere ends in the same bits as one that is not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_certified import CERTIFIED, SUBSTITUTES
from test_loop import ADVERSARIAL, BCE, CLEAN, LABELS, TRAIN, VALIDATION, initial_vectors, options
from torch import Tensor

from xmlcore.common import checkpoints
from xmlcore.common.checkpoints import Checkpoint
from xmlcore.config.architectures import ARCHITECTURES
from xmlcore.models.registry import build_model
from xmlcore.training.loop import Outcome, train

NETWORKS: dict[str, dict[str, Any]] = {
    "xml_cnn": {"windows": [1, 2], "filters": 4, "hidden": 8, "dropout": 0.2},
    "bag_of_words": {"dropout": 0.2},
    "attention_xml": {"lstm": 4, "hidden": [4], "tree": [2], "candidates": 1, "random_fill": True},
    "mach": {"repetitions": 2, "buckets": 2, "encoder": {"bag_of_words": {}}},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "clean": {"epochs": 4, "milestones": [2], "shuffle_tokens": True, "token_dropout": 0.2},
    "refit": {"epochs": 3, "refit": True, "micro_batches": 2},
    "sparse": {"epochs": 3, "sparse_embedding": True, "gradient_clip": 1.0},
    "averaged": {"epochs": 4, "averaging_from": 2, "averaging_steps": 2, "refit": True},
}


@pytest.fixture(autouse=True)
def stored_after_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "SHARE", float("inf"))


class Killed(Exception):
    pass


class Killing:
    """A `track` that ends the process, as it were, after so many batches."""

    def __init__(self, batches: int | None) -> None:
        self.left = batches

    def __call__(self, items: Any, description: str, total: int | None = None) -> Any:
        for item in items:
            if self.left is not None:
                if not self.left:
                    raise Killed
                self.left -= 1
            yield item


def trained(
    architecture: str, setting: dict[str, Any], path: Path | None, kill: int | None = None, **others: Any
) -> tuple[Outcome, list[Any]]:
    network = ARCHITECTURES[architecture].network.model_validate(NETWORKS[architecture])
    log: list[Any] = []
    outcome = train(
        lambda table: build_model(architecture, table, LABELS, network),
        initial_vectors(),
        TRAIN,
        VALIDATION,
        options=options(**setting),
        regime=others.get("regime", CLEAN),
        loss=BCE,
        seed=3,
        log=log.append,
        track=Killing(kill),
        checkpoint=path and Checkpoint(path, others.get("fingerprint", "mine")),
        substitutes=others.get("substitutes"),
    )
    return outcome, log


def same(one: tuple[Outcome, list[Any]], other: tuple[Outcome, list[Any]]) -> bool:
    (first, log), (second, other_log) = one, other
    weights, others = first.model.state_dict(), second.model.state_dict()
    assert [*weights] == [*others]
    return (
        log == other_log
        and all(torch.equal(weights[name], others[name]) for name in weights)
        and first.summary() == second.summary()
        and np.array_equal(first.validation.labels, second.validation.labels)
        and np.array_equal(first.validation.scores, second.validation.scores)
    )


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("architecture", NETWORKS)
def test_killed_again_and_again_it_ends_in_the_same_bits(
    architecture: str, setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every batch where a kill may come the state of the step before is stored, every other time."""
    undisturbed = trained(architecture, SETTINGS[setting], None)
    path = tmp_path / "a" / "state.safetensors"
    kills = 0
    for every in (0.0, 600.0) * 40:
        monkeypatch.setattr(checkpoints, "EVERY", every)
        try:
            again = trained(architecture, SETTINGS[setting], path, kill=7 if every else 4)
            break
        except Killed:
            kills += 1
    assert kills > 2
    assert same(again, undisturbed)
    assert path.exists()
    assert same(trained(architecture, SETTINGS[setting], path), undisturbed)  # killed before the results were written


def test_adversarial_training_goes_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "EVERY", 0.0)
    path = tmp_path / "state.safetensors"
    with pytest.raises(Killed):
        trained("xml_cnn", SETTINGS["refit"], path, kill=15, regime=ADVERSARIAL)
    again = trained("xml_cnn", SETTINGS["refit"], path, regime=ADVERSARIAL)
    assert same(again, trained("xml_cnn", SETTINGS["refit"], None, regime=ADVERSARIAL))


def test_certified_training_goes_on_too_in_the_middle_of_its_warm_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "EVERY", 0.0)
    path, certified = tmp_path / "state.safetensors", {"regime": CERTIFIED, "substitutes": SUBSTITUTES}
    for batches in (3, 10, 9):
        with pytest.raises(Killed):
            trained("xml_cnn", SETTINGS["refit"], path, kill=batches, **certified)
    again = trained("xml_cnn", SETTINGS["refit"], path, **certified)
    assert same(again, trained("xml_cnn", SETTINGS["refit"], None, **certified))


def test_a_state_of_another_run_or_a_damaged_one_is_dropped_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, setting = tmp_path / "state.safetensors", SETTINGS["clean"]
    undisturbed = trained("bag_of_words", setting, None)
    with pytest.raises(Killed):
        trained("bag_of_words", setting, path, kill=10)
    assert same(trained("bag_of_words", setting, path, fingerprint="other"), undisturbed)
    assert capsys.readouterr().err.count("of another run; begun afresh") == 1
    whole = path.read_bytes()
    for content in (b"", whole[:100], whole[:-7], b"\xff" * 50, whole.replace(b"phase", b"PHASE", 1)):
        path.write_bytes(content)
        assert same(trained("bag_of_words", setting, path, fingerprint="other"), undisturbed)
        assert capsys.readouterr().err.count("begun afresh") == 1


def test_a_state_is_stored_as_it_is_and_removed(tmp_path: Path) -> None:
    shared = torch.arange(6.0)
    state = {"a": [shared, {"b": shared.view(2, 3).t()}], "number": 0.1 + 0.2, "none": None, "deep": {"1": [True]}}
    checkpoint = Checkpoint(tmp_path / "x" / "y", "mine")
    assert checkpoint.load() is None
    checkpoint.save(state)
    found = checkpoint.load()
    assert equal(found, state)
    assert [*(tmp_path / "x").iterdir()] == [tmp_path / "x" / "y"]
    checkpoint.remove()
    checkpoint.remove()
    assert checkpoint.load() is None


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return one == other


def test_what_takes_long_to_store_is_stored_less_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "SHARE", 0.02)
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    checkpoint = Checkpoint(tmp_path / "state", "mine")

    def state() -> dict[str, Any]:
        now[0] += 1.0  # that storing takes
        saved.append(now[0])
        return {}

    saved: list[float] = []
    for _ in range(20):
        now[0] += 10.0
        checkpoint.after_epoch(state)
    assert saved == [11.0, 62.0, 113.0, 164.0]  # fifty times what it takes
    for _ in range(3):
        now[0] += 500.0
        checkpoint.after_step(state)
    assert len(saved) == 5
