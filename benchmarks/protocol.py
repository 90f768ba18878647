"""How two ways to compute the same thing are compared: times in turn, memory in processes of their own.

Absolute times depend on the machine and its load; what is reported is the ratio within one run. Both ways are warmed
up and then timed in turn (A, B, A, B ...), so that a change of the machine's speed meets both.
"""

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import torch

Run = Callable[[], object]


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


def compare(dense: Run, ours: Run, *, repetitions: int = 7) -> Comparison:
    """Time two calls in turn, in CPU seconds of this process; three repetitions if one takes more than a second."""
    first = cpu_seconds(dense)
    cpu_seconds(ours)
    count = repetitions if first < 1 else min(repetitions, 3)
    pairs = [(cpu_seconds(dense), cpu_seconds(ours)) for _ in range(count)]
    return Comparison([a for a, _ in pairs], [b for _, b in pairs])


def cpu_seconds(run: Run) -> float:
    """Call once and return the CPU time it takes."""
    start = time.process_time()
    run()
    return time.process_time() - start


def peak_growth(module: str, name: str, which: int) -> int:
    """Return by how many bytes a new process grows in a call, beyond what it prepares.

    ``module.MEMORY[name]()`` prepares two calls; ``which`` of them is made.
    """
    program = f"from {module} import MEMORY; from benchmarks.protocol import grow; grow(*MEMORY[{name!r}][:1], {which})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MemoryError(f"the measured process ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return int(done.stdout)


def grow(make: Callable[[], tuple[Run, Run]], which: int) -> None:
    """Make the call and print by how many bytes the process grew at its peak."""
    torch.set_num_threads(1)
    run = make()[which]
    before = _resident_bytes()
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    run()
    sys.stdout.write(str(_peak_bytes() - before))


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _peak_bytes() -> int:
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def machine() -> dict[str, object]:
    """Return what the numbers depend on: processor, threads, load, versions."""
    names = [x.split(":")[1].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x]
    return {
        "processor": names[0] if names else platform.machine(), "cores": os.cpu_count(),
        "threads": torch.get_num_threads(), "load": [round(x, 2) for x in os.getloadavg()],
        "python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__,
    }  # fmt: skip
