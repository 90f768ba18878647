"""Processes that tests start: they react to Ctrl-C whatever pytest does, and are gone when their test ends.

On Linux an orphan becomes a child of pytest, so that kernels, which have a session of their own, and what outlives the
process that started it are found as well. On other systems orphans are not found; kernels end on their own there.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

PATIENCE = 600.0
"""Seconds after which something that was waited for counts as missing: reached only where it never comes."""
POLL = 0.02
"""Seconds between two looks."""


def adopt_orphans() -> None:
    """Let processes whose parent ends become children of this one."""
    if sys.platform == "linux":
        set_child_subreaper = 36  # linux/prctl.h
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def start(command: Sequence[str], **options: Any) -> "subprocess.Popen[Any]":
    """Start a process in a group of its own, as a terminal does, which Ctrl-C ends.

    Where pytest ignores Ctrl-C, as what a script starts with "&" does, its children would ignore it, too.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, start_new_session=True, **options)
    finally:
        signal.signal(signal.SIGINT, before)


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition is true."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(POLL)


def is_alive(pid: int) -> bool:
    """Return whether a process runs: one that has ended, but was not waited for by its parent, does not."""
    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def descendants() -> set[psutil.Process]:
    """Return all processes below this one; of those that have ended, only those that somebody else waits for."""
    if not _may_have_children():
        return set()
    found = set(psutil.Process().children(recursive=True))
    return {process for process in found if is_alive(process.pid)}


def _may_have_children() -> bool:
    """Return False if this process has none: what Linux tells of its threads is faster than a look at all processes."""
    lists = [Path(folder, "children") for folder in Path("/proc/self/task").glob("*")]
    try:
        return not lists or any(path.read_text() for path in lists)
    except OSError:  # a thread has ended
        return True


def end(processes: Iterable[psutil.Process]) -> None:
    """Kill processes and all below them."""
    everything = set(processes)
    for process in list(everything):
        with suppress(psutil.NoSuchProcess):
            everything |= set(process.children(recursive=True))
    for process in everything:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(everything, timeout=PATIENCE)
    reap()


def end_with_this_one() -> None:
    """Let SIGTERM end first what this process has started, then this process."""
    signal.signal(signal.SIGTERM, _end_everything)


def _end_everything(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_DFL)
    end(descendants())
    os.kill(os.getpid(), number)


def reap() -> None:
    """Forget children that have ended and that nobody waits for."""
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, ChildProcessError):
            if process.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(process.pid, os.WNOHANG)


def left_behind(before: set[psutil.Process], patience: float) -> list[str]:
    """End the processes that have been started since; return those that did not end on their own.

    What a process starts that was there before, as a browser does for each page, is its own affair.
    """
    finish = time.monotonic() + patience
    while (left := _started_since(before)) and time.monotonic() < finish:
        time.sleep(POLL)
    lines = [_describe(process) for process in left]
    if left:
        end(left)
    elif _may_have_children():
        reap()
    return lines


def _started_since(before: set[psutil.Process]) -> set[psutil.Process]:
    """Return the processes below this one that were not there before, and whose parents were not."""
    found = set()
    for process in descendants() - before:
        with suppress(psutil.NoSuchProcess):
            if before.isdisjoint(process.parents()):
                found.add(process)
    return found


def _describe(process: psutil.Process) -> str:
    try:
        return f"{process.pid}: {' '.join(process.cmdline())[:200]}"
    except psutil.NoSuchProcess:
        return str(process.pid)
