"""One subject of `python -m benchmarks beside`, in a process of its own: how long it takes, as JSON on stdout.

`python -P benchmarks/beside_subjects.py SUBJECT FOLDER` with the package to measure on PYTHONPATH, which may be another
version of it: only what satlib has had from the beginning is called. FOLDER is empty and may be written to.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

CALLS, LIMIT = 7, 12.0
"""Calls after the first, which warms up; fewer if they take more than so many seconds together."""
STEPS, PART = 60, 10
"""Training steps of one run, and those between two lines of its log."""

Times = list[tuple[float, float]]
"""Seconds by the clock and of CPU time, of each call."""


def now() -> tuple[float, float]:
    """Return the clock and this process's CPU time."""
    return time.perf_counter(), time.process_time()


def since(start: tuple[float, float], count: int = 1) -> tuple[float, float]:
    """Return what has gone by since then, for one of ``count`` calls."""
    wall, cpu = now()
    return (wall - start[0]) / count, (cpu - start[1]) / count


def forward(preset: str, scale: int, side: int) -> Times:
    """Run a network with random weights on a square image, without gradient."""
    import torch

    from satlib import SAT, SATConfig

    torch.manual_seed(0)
    model, image = SAT(SATConfig.preset(preset, scale=scale)).eval(), torch.rand(1, 3, side, side)
    times: Times = []
    with torch.inference_mode():
        model(image)
        began = time.perf_counter()
        while len(times) < CALLS and (not times or time.perf_counter() - began < LIMIT):
            start = now()
            model(image)
            times.append(since(start))
    return times


def training(folder: Path) -> Times:
    """Train `sat-tiny` x2 with 4 patches of 32 x 32 for a while; the first lines of the log are the warming up."""
    from satlib import samples
    from satlib.data import prepare
    from satlib.training import read_config, train

    (folder / "photographs").mkdir()
    for name in samples.names():
        samples.load(name).convert("RGB").save(folder / "photographs" / f"{name}.png")
    store = prepare(folder / "photographs", folder / "store", scales=[2])
    (folder / "config.yaml").write_text(
        f"recipe: quick\nnetwork: {{preset: sat-tiny, scale: 2}}\nstore: {store}\nholdout: 1\nsteps: {STEPS}\n"
        f"batch: 4\npatch: 32\nlog_every: {PART}\nvalidate_every: {STEPS}\nsave_every: {STEPS}\n"
    )
    moments: list[tuple[float, float]] = []

    def say(line: str) -> None:
        if line.startswith("step "):
            moments.append(now())

    train(read_config(folder / "config.yaml", []), folder / "run", device="cpu", say=say)
    return list(_between(moments[: STEPS // PART]))


def _between(moments: Times) -> Iterator[tuple[float, float]]:
    for (wall, cpu), (later, more) in zip(moments[1:], moments[2:], strict=False):
        yield (later - wall) / PART, (more - cpu) / PART


SUBJECTS: dict[str, Callable[[Path], Times]] = {
    "sat-tiny x2, 128x128": lambda folder: forward("sat-tiny", 2, 128),
    "sat-light x4, 64x64": lambda folder: forward("sat-light", 4, 64),
    "training step, sat-tiny x2": training,
}


def main() -> None:
    """Prepare the environment as this version's programs do, run the subject, print its times."""
    try:
        from satlib.support.environment import prepare
    except ModuleNotFoundError:  # a version whose programs leave it as it is
        pass
    else:
        prepare()
    sys.stdout.write(json.dumps(SUBJECTS[sys.argv[1]](Path(sys.argv[2]))))


if __name__ == "__main__":
    main()
