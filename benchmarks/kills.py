"""`python -m benchmarks kills [--kills N] [--seed S] [NAME ...]`: processes that are killed at random moments.

A process that upscales, saves, prepares or trains gets SIGKILL after a random part of the time that it takes. Then no
file may be half-written, and the next call must finish the work as if nothing had happened and leave nothing behind.
Reports for each how many were killed, how many had ended before, and what was wrong; exit code 1 if anything was.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.robust_subjects import SUBJECTS, Child, Subject, in_child


class Count(NamedTuple):
    """What became of the processes of one subject."""

    killed: int
    ended: int
    """Those that had ended before the signal came."""
    problems: list[str]


def kill_often(subject: Subject, kills: int, seed: int) -> Count:
    """Kill so many processes, each followed by a call that is left alone."""
    draw = random.Random(seed)
    began = time.monotonic()
    in_child(subject.run)
    longest = time.monotonic() - began
    killed = ended = 0
    problems: list[str] = []
    while killed < kills and ended <= 10 * kills:
        subject.clear()
        child = Child(subject.run)
        time.sleep(draw.uniform(0, longest))
        os.kill(child.number, signal.SIGKILL)
        was_killed = child.wait().code == -signal.SIGKILL
        killed, ended = killed + was_killed, ended + (not was_killed)
        if not was_killed:
            longest *= 0.8  # the first call may have been slower than the others, beside other work
        problems += [f"after kill {killed}: {line}" for line in subject.half_written()]
        after = in_child(subject.run)
        problems += [f"the next call ends with {after.code}: {after.said}"] if after.code else []
        problems += [f"after the next call: {line}" for line in subject.incomplete()]
    return Count(killed, ended, problems)


def main() -> int:
    """Kill the processes of all subjects, or of those that are named, and report."""
    names = {subject.__name__.lower(): subject for subject in SUBJECTS}
    parser = argparse.ArgumentParser(prog="python -m benchmarks kills", description="Kill processes at random moments.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; by default all")
    parser.add_argument("--kills", type=int, default=10, help="of each")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(sys.argv[2:])
    if unknown := set(options.names) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    failed = False
    for name in options.names or names:
        with tempfile.TemporaryDirectory() as folder:
            count = kill_often(names[name](Path(folder)), options.kills, options.seed)
        sys.stdout.write(f"{name}: {count.killed} killed, {count.ended} ended before, {len(count.problems)} problems\n")
        sys.stdout.write("".join(f"  {line}\n" for line in count.problems))
        sys.stdout.flush()
        failed = failed or bool(count.problems)
    return int(failed)
