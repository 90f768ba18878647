"""How many cores this process may use, and the share of one of several processes."""

import os
from math import ceil
from pathlib import Path

from satlib.support.control_groups import SYSTEM, cpu_quota


def in_affinity() -> int:
    """Return how many cores the process may run on; on systems that cannot say, those of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def allowed(root: Path = SYSTEM) -> int:
    """Return how many cores the process can keep busy: those it may run on, or fewer if a quota limits their time.

    A quota of 1.5 cores counts as 2: two threads use it up, one does not.
    """
    quota = cpu_quota(root)
    return in_affinity() if quota is None else max(1, min(in_affinity(), ceil(quota)))


def share(n_processes: int) -> int:
    """Return the cores of one of several processes that work at the same time, at least 1."""
    return max(1, allowed() // n_processes)
