"""How ways to compute something are compared: times in turn, memory in processes of their own.

Absolute times depend on the machine and its load; what is reported is the ratio within one run. All ways are warmed
up and then timed in turn (A, B, A, B ...), so that a change of the machine's speed meets all of them. Results are
JSON files in satlib/results/timings, where the book reads them.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import torch

from satlib.dta.sampling import Grid
from satlib.results import timings
from satlib.support import cores

Run = Callable[[], object]

IDLE = 0.25
"""Load per core up to which a machine counts as idle."""


class Comparison(NamedTuple):
    """CPU seconds of both ways, one number for each repetition."""

    dense: list[float]
    ours: list[float]

    @property
    def ratio(self) -> float:
        """Median of dense over median of ours."""
        return median(self.dense) / median(self.ours)

    @property
    def spread(self) -> tuple[float, float]:
        """Smallest and largest ratio of the pairs that ran one after the other."""
        pairs = [a / b for a, b in zip(self.dense, self.ours, strict=True)]
        return min(pairs), max(pairs)


def compare(dense: Run, ours: Run) -> Comparison:
    """Time two calls in turn, see :func:`in_turn`."""
    found = in_turn({"dense": dense, "ours": ours})
    return Comparison(found["dense"], found["ours"])


def in_turn(runs: Mapping[str, Run], *, repetitions: int = 7, limit: float = float("inf")) -> dict[str, list[float]]:
    """Call each once to warm up, then all in turn; return the CPU seconds of the repetitions.

    There are three repetitions if any call takes more than a second. A call that takes longer than ``limit`` seconds
    is not repeated: its first time is all that is returned of it.
    """
    first = {name: cpu_seconds(run) for name, run in runs.items()}
    count = repetitions if max(first.values()) < 1 else min(repetitions, 3)
    seconds: dict[str, list[float]] = {name: [] if t <= limit else [t] for name, t in first.items()}
    for _ in range(count):
        for name, run in runs.items():
            if first[name] <= limit:
                seconds[name].append(cpu_seconds(run))
    return seconds


def cpu_seconds(run: Run) -> float:
    """Call once and return the CPU time it takes, to five digits."""
    start = time.process_time()
    run()
    return float(f"{time.process_time() - start:.5g}")


class Case(NamedTuple):
    """Ways to compute something at one size, mostly two."""

    make: Callable[[Grid], tuple[Run, ...]]
    grid: Grid


def peak_growth(module: str, name: str, which: int) -> int:
    """Return by how many bytes a new process grows in a call, beyond what it prepares.

    ``module.MEMORY[name]`` prepares calls; ``which`` of them is made, after the same at 8 x 8 pixels, which loads
    what the process needs only once. Large buffers go back to the system when they are freed, so that the peak is
    what is alive at once, not what the allocator keeps.
    """
    program = f"from {module} import MEMORY; from benchmarks.protocol import grow; grow(MEMORY[{name!r}], {which})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"},
    )
    if done.returncode != 0:
        raise MemoryError(f"the measured process ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return int(done.stdout)


def grow(case: Case, which: int) -> None:
    """Make the call and print by how many bytes the process grew at its peak."""
    torch.set_num_threads(1)
    case.make((8, 8))[which]()
    sys.stdout.write(str(growth_in(case.make(case.grid)[which])))


def growth_in(run: Run) -> int:
    """Call once and return by how many bytes this process grew at its peak."""
    before = _resident_bytes()
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    run()
    return _peak_bytes() - before


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _peak_bytes() -> int:
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def is_idle() -> bool:
    """Return whether nothing else uses this machine; say so on stderr if something does."""
    load = os.getloadavg()[0] / cores.in_affinity()
    if load > IDLE:
        sys.stderr.write(f"the machine is not idle: load {load:.2f} per core, {IDLE} is the most; --anyway measures\n")
    return load <= IDLE


def machine() -> dict[str, object]:
    """Return what the numbers depend on: processor, threads, load, versions."""
    names = [x.split(":")[1].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x]
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": _load(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def save(name: str, started_on: dict[str, object], content: dict[str, object]) -> None:
    """Write satlib/results/timings/NAME.json: the machine at the start, its load at the end, and the content."""
    whole = {"machine": {**started_on, "load at end": _load()}, **content}
    Path(timings.__file__).with_name(f"{name}.json").write_text(json.dumps(whole, indent=1) + "\n")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _load() -> list[float]:
    return [round(x, 2) for x in os.getloadavg()]
