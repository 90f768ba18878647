"""`python -m benchmarks full [--steps N] [NAME ...]`: a disk that is full at every write, and two processes at once.

Each piece of work runs on disks with more and more room, from none at all. It must end with one line that names a file
of its own, without a traceback and with nothing half-written, and must work afterwards, when there is room. The disk is
a small one in memory where this process may mount one; else files may not grow beyond the room.

Then two processes do the same work in the same folder at the same time. Both, or one of them after a line that says who
is at work, must give what one alone gives.
"""

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.robust_subjects import SUBJECTS, Child, Ended, Subject, in_child

BYTES = 2**24
"""Of the disk in memory."""


def on_full_disks(subject: Subject, steps: int, *, mounted: bool) -> tuple[int, list[str]]:
    """Run a subject with more and more room; return how often the room was too small, and what was wrong."""
    subject.clear()
    in_child(subject.run)
    files = [path.stat().st_size for path in subject.out.rglob("*") if path.is_file()]
    most = sum(files) if mounted else max(files)
    refused, problems = 0, []
    for step in range(steps):
        room = most * step // steps
        subject.clear()
        ended = _on_disk(subject, room) if mounted else in_child(limited(subject.run, room))
        where = f"with room for {room:,} bytes"
        if ended.code:
            refused += 1
            problems += [f"{where}: {line}" for line in _misleading(ended, subject)]
        problems += [f"{where}: {line}" for line in subject.half_written()]
        after = in_child(subject.run)
        problems += [f"{where}, the next call ends with {after.code}: {after.said}"] if after.code else []
        problems += [f"{where}, after the next call: {line}" for line in subject.incomplete()]
    return refused, problems


def limited(run: Callable[[], object], room: int) -> Callable[[], None]:
    """Return work in whose process no file may grow beyond ``room`` bytes."""

    def work() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error instead of the end
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        run()

    return work


def at_once(subject: Subject) -> list[str]:
    """Run a subject twice at the same time in one folder, and return what was wrong."""
    subject.clear()
    children = [Child(subject.run), Child(subject.run)]
    ends = [child.wait() for child in children]
    problems = [f"a traceback: {end.said}" for end in ends if "Traceback" in end.said]
    problems += [] if any(end.code == 0 for end in ends) else ["neither has ended well"]
    refused = [end.said for end in ends if end.code != 0]
    problems += [f"not refused for the other: {said}" for said in refused if "by another process" not in said]
    return problems + subject.incomplete()


def _misleading(ended: Ended, subject: Subject) -> list[str]:
    """Return what is wrong with what a process has said of a full disk."""
    lines = [line for line in ended.said.splitlines() if str(subject.out) in line]
    traceback = ["a traceback: " + ended.said] if "Traceback" in ended.said else []
    return traceback + ([] if lines else [f"no line names a file: {ended.said}"])


def _on_disk(subject: Subject, room: int) -> Ended:
    """Run a subject on its disk, after filling that up to ``room`` bytes."""
    filling = subject.disk / "filling"
    with filling.open("wb") as file:
        file.write(bytes(max(0, shutil.disk_usage(subject.disk).free - room)))
    ended = in_child(subject.run)
    filling.unlink()
    return ended


@contextmanager
def _disk(folder: Path) -> Iterator[bool]:
    """Mount a small disk in memory where the subject's disk is to be; tell whether that was permitted."""
    place = folder / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={BYTES}", "tmpfs", str(place)]
    may = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield may
    finally:
        if may:
            subprocess.run(["umount", str(place)], check=True)


def main() -> int:
    """Try all subjects, or those that are named, and report."""
    names = {subject.__name__.lower(): subject for subject in SUBJECTS}
    parser = argparse.ArgumentParser(prog="python -m benchmarks full", description="Full disks, and two at once.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; by default all")
    parser.add_argument("--steps", type=int, default=10, help="how many sizes of disks")
    options = parser.parse_args(sys.argv[2:])
    if unknown := set(options.names) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    failed = False
    for name in options.names or names:
        with tempfile.TemporaryDirectory() as folder, _disk(Path(folder)) as mounted:
            subject = names[name](Path(folder))
            found = {"limit": on_full_disks(subject, options.steps, mounted=False)}
            if mounted:
                found["tmpfs"] = on_full_disks(subject, options.steps, mounted=True)
            both = at_once(subject)
        for kind, (refused, problems) in found.items():
            sys.stdout.write(f"{name}, {kind}: {refused} of {options.steps} too small, {len(problems)} problems\n")
            sys.stdout.write("".join(f"  {line}\n" for line in problems))
        sys.stdout.write(f"{name}, two at once: {len(both)} problems\n" + "".join(f"  {line}\n" for line in both))
        sys.stdout.flush()
        failed = failed or bool(both) or any(problems for _, problems in found.values())
    return int(failed)
