"""A training step takes its memory from the heap: few pages are new."""

import platform
import subprocess
import sys

import pytest

COUNT = """
import resource
import torch
from satlib.training.heap import keep_freed_memory

torch.set_num_threads(1)
if {keep}:
    assert keep_freed_memory()

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def step():
    return sum(float(torch.ones(n, 1000).sum()) for n in (100, 700, 1500, 3000))  # 0.4 to 12 MB

step()
before = faults()
for _ in range(20):
    step()
print(faults() - before)
"""


def page_faults(keep: bool) -> int:
    done = subprocess.run([sys.executable, "-c", COUNT.format(keep=keep)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_freed_memory_is_used_again() -> None:
    assert page_faults(keep=False) > 10 * page_faults(keep=True)


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from satlib.training import heap

    monkeypatch.setattr(sys, "platform", "darwin")
    assert heap.keep_freed_memory() is False
