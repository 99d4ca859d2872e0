import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, torch
from xmlcore.common.cli import run

def faults(megabytes):
    began = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.zeros(megabytes * 2**20, dtype=torch.uint8).add_(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - began

def main(megabytes: int) -> None:
    faults(megabytes)
    print(faults(megabytes) * resource.getpagesize() / 2**20)

run(main)
"""

GIVEN_BACK = """
from pathlib import Path
import resource, torch
from xmlcore.common.allocator import give_back_freed_memory, keep_freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20

keep_freed_memory()
before = resident()
torch.zeros(64 * 2**20, dtype=torch.uint8).add_(1)
print(resident() - before)
give_back_freed_memory()
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_freed_memory_is_used_again_without_page_faults() -> None:
    """Of ten tensors of 64 MiB, one after the other, by default every one is zeroed anew."""
    found = subprocess.run([sys.executable, "-c", FAULTS, "64"], capture_output=True, text=True, check=True)
    assert float(found.stdout) < 64


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_freed_memory_goes_back_to_the_system_when_asked() -> None:
    found = subprocess.run([sys.executable, "-c", GIVEN_BACK], capture_output=True, text=True, check=True)
    kept, left = map(float, found.stdout.split())
    assert kept > 60
    assert left < 8
