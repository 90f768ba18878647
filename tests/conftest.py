"""What all tests share: one thread, a fixed seed, property tests that are the same on every run, no process left."""

import os
from collections.abc import Generator

import processes
import pytest
import torch
from hypothesis import settings

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # before anything imports triton: it runs kernels on the CPU

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=30)
settings.load_profile("repeatable")
torch.set_num_threads(1)
processes.adopt_orphans()

LINGER = 60.0
"""Seconds that processes have to end after a test that passed: a kernel looks for its parent once a second."""


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(0)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """End what a test has started, and let it fail if it has left a process behind."""
    before = processes.descendants()
    try:
        yield
    except BaseException:
        processes.left_behind(before, 0.0)
        raise
    left = processes.left_behind(before, LINGER)
    if left:
        pytest.fail("the test has left processes behind:\n" + "\n".join(left), pytrace=False)


@pytest.fixture(autouse=True, scope="session")
def no_process_is_left() -> Generator[None, None, None]:
    """End what fixtures have left, and let the last test fail if there is something."""
    before = processes.descendants()
    yield
    left = processes.left_behind(before, LINGER)
    assert left == [], "processes are left behind"


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many processes share the tests: the cores that this one may use, up to 16 for the memory's sake."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 16)
