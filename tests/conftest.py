"""What all tests share: one thread, a fixed seed, property tests that are the same on every run, no process left.

`make test` leaves out what is marked as slow, and says so; `make test-all` runs everything. Slow is what takes more
than about three seconds of a core, what opens a browser or JupyterLab, and what starts several processes; each part of
satlib keeps tests that are not.
"""

import gc
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import processes
import pytest
import torch
from hypothesis import settings

from satlib.support.cores import allowed

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # before anything imports triton: it runs kernels on the CPU

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=30)
settings.load_profile("repeatable")
torch.set_num_threads(1)
processes.adopt_orphans()
processes.end_with_this_one()

TESTS = Path(__file__).parent
FIRST = (
    "book/test_smoke_notebooks.py",
    "book/test_lab_chapters.py",
    "benchmarks/test_robust.py",
    "repository/test_documents.py",
    "training/test_processes.py",
    "weights/test_portable.py",
    "live/test_network.py",
    "explore/test_explorers.py",
    "training/test_training.py",
    "training/test_trials.py",
    "book/test_try_it.py",
    "book/test_side_by_side.py",
    "runner/test_batch.py",
    "runner/test_slurm.py",
    "book/test_lab.py",
    "weights/test_bundled.py",
    "explore/test_images.py",
    "test_plain.py",
    "network/test_model.py",
)
"""Files that take the longest: they start first, so that none of them is alone in the end."""
LEFT_OUT = pytest.StashKey[int]()

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take the longest first."""
    order = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: order.get(item.path.relative_to(TESTS).as_posix(), len(FIRST)))


def pytest_collection_finish() -> None:
    """Look no more for garbage among what is there before the first test: all modules and tests."""
    gc.collect()
    gc.freeze()


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count the slow tests among those that are left out, if that was asked for."""
    if items and items[0].config.option.markexpr:
        left_out = sum(item.get_closest_marker("slow") is not None for item in items)
        items[0].config.stash[LEFT_OUT] = left_out


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that shares out the tests how many are left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the number from a process that has ended."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many slow tests are left out."""
    count = config.stash.get(LEFT_OUT, 0)
    if count:
        terminalreporter.write_line(f"{count} slow tests are left out: `make test-all` runs them, too, as CI does")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many processes share the tests: the cores that this one may use, up to 16 for the memory's sake."""
    return min(allowed(), 16)
