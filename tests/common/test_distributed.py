"""Two processes against one, started as the pipeline starts them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load
from workers import WORKS

from xmlcore.common import distributed

WORKERS = Path(__file__).parent / "workers.py"
BIN = Path(sys.executable).parent
ONE = [sys.executable]
TORCHRUN = [BIN / "torchrun", "--nproc-per-node", "2"]
ACCELERATE = [BIN / "accelerate", "launch", "--multi_gpu", "--num_processes", "2"]


def launch(launcher: list, folder: Path, *works: str) -> subprocess.CompletedProcess:
    """Run `works` of workers.py in `folder`, with one thread a process."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [*launcher, WORKERS, *works]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def write(launcher: list, folder: Path) -> Path:
    """Return `folder`, where `launcher` has written the results of all works."""
    done = launch(launcher, folder, *WORKS)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> Path:
    """The folder of the results of one process."""
    return write(ONE, tmp_path_factory.mktemp("one"))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(TORCHRUN, id="torchrun"),
        pytest.param(ACCELERATE, id="accelerate", marks=pytest.mark.slow),
    ],
)
def two(request, tmp_path_factory) -> Path:
    """The folder of the results of two processes."""
    return write(request.param, tmp_path_factory.mktemp("two"))


ALL_REDUCE = [work for work in WORKS if work.endswith("all_reduce")]


@pytest.mark.parametrize("work", ALL_REDUCE)
def test_what_is_added_up_at_once_is_the_same_but_for_rounding(one, two, work):
    here, there = (load((folder / work).read_bytes()) for folder in (one, two))
    for name, tensor in here.items():
        torch.testing.assert_close(there[name], tensor, rtol=1e-3, atol=1e-4)
    assert any((there[name] != tensor).any() for name, tensor in here.items())


@pytest.mark.parametrize("work", sorted({*WORKS} - {*ALL_REDUCE}))
def test_two_processes_give_what_one_gives_to_the_bit(one, two, work):
    assert (one / work).read_bytes() == (two / work).read_bytes()


def test_each_process_does_a_share_and_one_writes(one, two):
    assert (one / "rank-0.txt").read_text() == "0 1 2 3 4"
    assert [(two / f"rank-{rank}.txt").read_text() for rank in range(2)] == ["0 2 4", "1 3"]
    assert {path.name for path in two.iterdir()} == {*WORKS, "journal", "rank-0.txt", "rank-1.txt"}


def test_micro_batches_that_cannot_be_shared_are_a_users_mistake(tmp_path):
    done = launch(TORCHRUN, tmp_path, "train_in_one_part")
    assert done.returncode != 0
    assert "error: training.micro_batches: 1 cannot be shared by 2 processes; give a multiple of 2" in done.stderr
    assert not list(tmp_path.glob("train*"))


def test_one_process_has_everything():
    assert (distributed.rank(), distributed.processes(), distributed.is_writer()) == (0, 1, True)
    assert [*distributed.share("abc")] == ["a", "b", "c"]
    assert distributed.map_shared(str.upper, "abc") == ["A", "B", "C"]
    array = np.arange(3)
    distributed.add_up(array)
    assert array.tolist() == [0, 1, 2]
