import pytest
import torch

from xmlcore.common.device import choose_device
from xmlcore.common.errors import UserError


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two GPUs; those that were chosen."""
    chosen: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    return chosen


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_a_process_alone_has_the_first_gpu(gpus, monkeypatch, name):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert choose_device(name) == torch.device("cuda", 0)
    assert gpus == [0]


def test_each_of_several_processes_has_its_own(gpus, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert choose_device("auto") == torch.device("cuda", 1)
    assert gpus == [1]


def test_more_processes_than_gpus_are_a_users_mistake(gpus, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(UserError, match="launch: more processes on a machine than its GPUs, 2; start fewer"):
        choose_device("cuda")


@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_without_a_gpu_it_is_the_cpu(no_gpu, name):
    assert choose_device(name) == torch.device("cpu")


def test_a_device_that_is_not_here_is_named(no_gpu):
    with pytest.raises(UserError, match="device: cuda is not available here; give auto or cpu"):
        choose_device("cuda")


def test_a_name_that_is_none_is_refused():
    with pytest.raises(UserError, match="device: one of auto, cpu, cuda, mps \\(is 'gpu'\\)"):
        choose_device("gpu")
