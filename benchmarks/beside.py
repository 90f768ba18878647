"""`python -m benchmarks beside [--before FOLDER]`: what other programs on the same cores do to satlib's speed.

A busy loop for each core is started, and ended, here. Each measurement is a fresh process of the package with its own
defaults: what the caller's environment says of threads is taken away, and the number of threads given where it is
asked for. Alone and beside take turns, and so do versions, so that a change of the machine's speed meets all. Two
processes of one thread that run at once tell how much two threads can give on this machine at most. Writes
satlib/results/timings/beside.json; about an hour with --before.

--before FOLDER   another checkout of the repository, measured in the same run
--rounds N        how often everything is measured
--only TEXT       subjects whose names contain it; nothing is written then
--anyway          also on a machine that is not idle
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, median

from benchmarks.beside_subjects import SUBJECTS
from benchmarks.protocol import is_idle, machine, save, say
from satlib.results.timings.beside import AT_ONCE, Row, judge, limits, table
from satlib.support import cores
from satlib.support.environment import NOTE, ON_THREADS, ON_WAITING, THREADS

ROOT = Path(__file__).parents[1]
CHAPTER = "notebooks/03_density.md"
NAMES = (*SUBJECTS, "chapter 3")
THREAD_COUNTS = (1, 2)
LOOP = "import os, sys\nwhile os.getppid() == int(sys.argv[1]):\n    for _ in range(10**6):\n        pass\n"
"""A busy loop, which ends by itself if the process that it is told is killed, be it before the loop has begun."""


@contextmanager
def busy(n_loops: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Keep cores busy inside the context."""
    loops: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(n_loops):
            loops.append(subprocess.Popen([sys.executable, "-S", "-c", LOOP, str(os.getpid())]))
        yield loops
    finally:
        for loop in loops:
            loop.kill()
        for loop in loops:
            loop.wait()


def environment(checkout: Path, threads: int) -> dict[str, str]:
    """Return the environment of a measured process: as a user has it who has set nothing but the number of threads.

    The number that torch takes by itself stays its own choice.
    """
    clean = {name: value for name, value in os.environ.items() if name not in {*ON_WAITING, *ON_THREADS, NOTE}}
    number = {} if threads == cores.allowed() else {THREADS: str(threads)}
    return {**clean, **number, "PYTHONPATH": str(checkout)}


def measure(name: str, checkout: Path, threads: int, variables: Mapping[str, str] | None = None) -> tuple[float, float]:
    """Run a subject in a process of its own and return its seconds by the clock and of CPU time.

    Parameters
    ----------
    variables
        Of the environment, besides those of :func:`environment`.

    Raises
    ------
    RuntimeError
        If it fails, with the end of what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        if name in SUBJECTS:
            script = ROOT / "benchmarks/beside_subjects.py"
            times = json.loads(_run([sys.executable, "-P", str(script), name, folder], checkout, threads, variables)[0])
            return median(wall for wall, _ in times), median(cpu for _, cpu in times)
        command = [sys.executable, "-m", "satlib", "run", CHAPTER, "-o", f"{folder}/chapter.ipynb"]
        return _run(command, checkout, threads, variables)[1]


def measure_at_once(name: str, checkout: Path) -> tuple[float, float]:
    """Run a subject in two processes of one thread at the same time, and return the means of their seconds."""
    with ThreadPoolExecutor(2) as pool:
        (wall, cpu), (other_wall, other_cpu) = pool.map(lambda _: measure(name, checkout, 1), range(2))
    return mean((wall, other_wall)), mean((cpu, other_cpu))


def _run(
    command: Sequence[str], checkout: Path, threads: int, variables: Mapping[str, str] | None = None
) -> tuple[str, tuple[float, float]]:
    """Run a program and return what it printed, and its seconds with those of the processes that it waited for."""
    start, before = time.perf_counter(), os.times()
    own = {**environment(checkout, threads), **(variables or {})}
    done = subprocess.run(command, cwd=checkout, env=own, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return done.stdout, (wall, used)


def measure_all(names: Sequence[str], checkouts: dict[str, Path], rounds: int) -> list[Row]:
    """Measure every subject in every version, on one thread and on two, alone and beside busy loops, in turn.

    A subject of the library is also measured in two processes at once.
    """
    keys = [
        (what, version, threads, beside)
        for what in names
        for threads in THREAD_COUNTS
        for beside in (False, True)
        for version in checkouts
    ]
    keys += [(what, AT_ONCE, 1, False) for what in names if what in SUBJECTS]
    rows = {key: Row(*key, wall=[], cpu=[]) for key in keys}
    for number in range(rounds):
        for (what, version, threads, beside), row in rows.items():
            with busy(cores.in_affinity() if beside else 0):
                if version == AT_ONCE:
                    wall, cpu = measure_at_once(what, checkouts["now"])
                else:
                    wall, cpu = measure(what, checkouts[version], threads)
            row.wall.append(float(f"{wall:.5g}"))
            row.cpu.append(float(f"{cpu:.5g}"))
            place = "beside" if beside else "alone"
            say(f"{number + 1}/{rounds} {what}, {version}, {threads} threads, {place}: {wall:.3g} s, CPU {cpu:.3g} s")
    return list(rows.values())


def main() -> int:
    """Measure, print the table and what must be, write the results; exit code 2 if nothing can be measured here."""
    options = _options(sys.argv[2:])
    if not (options.anyway or is_idle()):
        return 2
    if cores.allowed() < max(THREAD_COUNTS):
        sys.stderr.write(f"two cores are needed, and {cores.allowed()} is allowed\n")
        return 2
    checkouts = {"now": ROOT} if options.before is None else {"before": options.before.resolve(), "now": ROOT}
    names = [name for name in NAMES if options.only in name]
    started_on = machine()
    rows = measure_all(names, checkouts, options.rounds)
    say(table(rows))
    for v in judge(rows):
        met = "met" if v.met else "NOT MET"
        say(f"{v.what:<28} {v.threads:>5}  {v.measure:<26} {v.ratio:5.2f}  {v.must}: {met}")
    for what, ratio in limits(rows).items():
        say(f"{what:<28} two processes of one thread at once do {ratio:.2f} times as much as one")
    if not options.only:
        save("beside", started_on, {"loops": cores.in_affinity(), "rows": [vars(row) for row in rows]})
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks beside")
    parser.add_argument("--before", type=Path, metavar="FOLDER", help="another checkout, measured in the same run")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured")
    parser.add_argument("--only", default="", metavar="TEXT", help="subjects whose names contain it; writes nothing")
    parser.add_argument("--anyway", action="store_true", help="also on a machine that is not idle")
    return parser.parse_args(arguments)
