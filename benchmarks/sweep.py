"""`python -m benchmarks sweep`: time and memory against the number of tokens; writes satlib/results/timings/sweep.json.

The SAA layer and the whole light network at x4, each in the dense form and as satlib runs it, on images whose pixels
double from one to the next. A line ends before a size that would take longer, or more memory, than the limit.
"""

from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks import dense
from benchmarks.cpu import no_grad, saa
from benchmarks.protocol import Case, Run, in_turn, machine, peak_growth, save, say
from satlib import SAT, SATConfig
from satlib.dta.sampling import Grid

SECONDS, BYTES = 40.0, 4e9
"""Limits of one call."""

GRIDS = [
    (16, 16),
    (16, 32),
    (32, 32),
    (32, 64),
    (64, 64),
    (64, 128),
    (128, 128),
    (128, 256),
    (256, 256),
    (256, 512),
    (512, 512),
]
WAYS = ("dense", "ours")


class Point(NamedTuple):
    """What was measured at one size."""

    grid: Grid
    seconds: list[float]
    n_bytes: int


def layer(grid: Grid) -> tuple[Run, Run]:
    """Return the SAA layer with 40 channels."""
    return saa(grid, 40, check=False)


def network(grid: Grid) -> tuple[Run, Run]:
    """Return the light network at x4 on a random image, untrained."""
    torch.manual_seed(0)
    model, image = SAT(SATConfig.preset("sat-light", scale=4)).eval(), torch.rand(1, 3, *grid)

    def slow() -> Tensor:
        return dense.sat(model, image)

    return no_grad(slow), no_grad(lambda: model(image))


SUBJECTS = {"SAA layer": layer, "network": network}


MEMORY = {f"{name} {grid}": Case(make, grid) for name, make in SUBJECTS.items() for grid in GRIDS}
"""What a process of its own prepares."""


def main() -> None:
    """Measure all lines, print them, write the results."""
    torch.set_num_threads(1)
    started_on = machine()
    lines = [line for subject in SUBJECTS for line in measure(subject)]
    save("sweep", started_on, {"limits": {"seconds": SECONDS, "bytes": BYTES}, "lines": lines})


def measure(subject: str) -> list[dict[str, object]]:
    """Measure one subject both ways, until both have met a limit."""
    points: dict[str, list[Point]] = {way: [] for way in WAYS}
    stopped = dict.fromkeys(WAYS, "")
    for grid in GRIDS:
        stopped = {way: stopped[way] or too_much(points[way], grid) for way in WAYS}
        runs = dict(zip(WAYS, SUBJECTS[subject](grid), strict=True))
        seconds = in_turn({way: run for way, run in runs.items() if not stopped[way]}) if "" in stopped.values() else {}
        for way, times in seconds.items():
            n_bytes = peak_growth("benchmarks.sweep", f"{subject} {grid}", WAYS.index(way))
            points[way].append(Point(grid, times, n_bytes))
            size = f"{grid[0]} x {grid[1]}"
            say(f"{subject:<10} {way:<6} {size:>10}  {median(times):9.4f} s  {n_bytes / 1e6:9.1f} MB")
    for way in WAYS:
        say(f"{subject:<10} {way:<6} ended: {stopped[way] or 'at the largest size'}")
    return [
        {"subject": subject, "way": way, "points": [describe(p) for p in points[way]], "stopped": stopped[way]}
        for way in WAYS
    ]


def describe(point: Point) -> dict[str, object]:
    """Return a point as JSON values."""
    return {"grid": point.grid, "seconds": point.seconds, "bytes": point.n_bytes}


def too_much(points: list[Point], grid: Grid) -> str:
    """Say which limit the next size would meet, if it grows as the last two did; empty if none."""
    if len(points) < 2:
        return ""
    times, sizes = [median(p.seconds) for p in points[-2:]], [p.n_bytes for p in points[-2:]]
    seconds, n_bytes = times[1] ** 2 / times[0], sizes[1] ** 2 / max(sizes[0], 1)
    where = f"{grid[0]} × {grid[1]}"
    if seconds > SECONDS:
        return f"{where} would take about {seconds:.0f} s"
    if n_bytes > BYTES:
        return f"{where} would take about {n_bytes / 1e9:.1f} GB"
    return ""
