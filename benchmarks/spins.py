"""`python -m benchmarks spins [--rounds N]`: how often threads should look before they sleep, on two threads.

Threads that wait for others ask whether these are ready, again and again (they spin), or sleep and are woken.
`GOMP_SPINCOUNT` says how often libgomp's ask before they sleep. Each count is tried on forward passes, alone and beside
a busy loop for each core, as `python -m benchmarks beside` does it; and on four calls of `satlib upscale`, one after
the other and all at once. One thread, which waits for nobody, is measured as well. All take turns. Writes
satlib/results/timings/spins.json; half an hour.

--rounds N   how often everything is measured
--anyway     also on a machine that is not idle
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.beside import ROOT, busy, environment, measure
from benchmarks.protocol import is_idle, machine, save, say
from satlib import samples
from satlib.results.timings.spins import ALONE, AT_ONCE, BESIDE, COUNTS, IN_A_ROW, UPSCALES, Row, table
from satlib.support import cores
from satlib.support.environment import SPINS, WAITING

FORWARD = ("sat-tiny x2, 128x128", "sat-light x4, 64x64")
CALLS = 4
"""Of `satlib upscale`."""


def waiting(count: int) -> dict[str, str]:
    """Return the variables that let threads look so often before they sleep."""
    return {WAITING: "PASSIVE", SPINS: str(count)}


def forward(what: str, count: int | None, place: str) -> float:
    """Return the seconds of a forward pass on two threads, or on one if there is no count."""
    with busy(cores.in_affinity() if place == BESIDE else 0):
        if count is None:
            return measure(what, ROOT, 1)[0]
        return measure(what, ROOT, 2, waiting(count))[0]


def upscales(count: int, place: str, folder: Path) -> float:
    """Return the seconds of four calls of `satlib upscale`, one after the other or all at once."""
    photo = folder / "photo.png"
    samples.load("coffee").convert("RGB").resize((200, 200)).save(photo)
    variables = {**environment(ROOT, cores.allowed()), **waiting(count)}

    def call(number: int) -> None:
        command = [sys.executable, "-m", "satlib", "upscale", str(photo), str(folder / f"{number}.png")]
        subprocess.run(command, env=variables, check=True, stderr=subprocess.DEVNULL)

    start = time.perf_counter()
    with ThreadPoolExecutor(CALLS if place == AT_ONCE else 1) as pool:
        list(pool.map(call, range(CALLS)))
    return time.perf_counter() - start


def one_round() -> Iterator[tuple[str, int | None, str, float]]:
    """Measure everything once: yield what, the count, where, and the seconds."""
    for what in FORWARD:
        yield what, None, ALONE, forward(what, None, ALONE)
        for count in COUNTS:
            for place in (ALONE, BESIDE):
                yield what, count, place, forward(what, count, place)
    for count in COUNTS:
        for place in (IN_A_ROW, AT_ONCE):
            with tempfile.TemporaryDirectory() as folder:
                yield UPSCALES, count, place, upscales(count, place, Path(folder))


def main() -> int:
    """Measure, print the table, write the results; exit code 2 if nothing can be measured here."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks spins")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured")
    parser.add_argument("--anyway", action="store_true", help="also on a machine that is not idle")
    options = parser.parse_args(sys.argv[2:])
    if not (options.anyway or is_idle()):
        return 2
    if cores.allowed() != 2:
        sys.stderr.write(f"two cores are needed, and {cores.allowed()} allowed\n")
        return 2
    started_on = machine()
    rows: dict[tuple[str, int | None, str], Row] = {}
    for number in range(options.rounds):
        for what, count, place, seconds in one_round():
            row = rows.setdefault((what, count, place), Row(what, count, place, []))
            row.seconds.append(float(f"{seconds:.4g}"))
            say(f"{number + 1}/{options.rounds} {what}, {count}, {place}: {seconds:.3g} s")
    say(table(list(rows.values())))
    save("spins", started_on, {"rows": [vars(row) for row in rows.values()]})
    return 0
