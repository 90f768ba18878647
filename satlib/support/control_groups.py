"""What the control groups of Linux allow this process: the time of how many cores, and how much memory.

Containers, batch systems and systemd limit programs in this way; the number of cores that a program sees stays that of
the machine. Versions 1 and 2 are read. A limit of a group holds for the groups inside it, so that the smallest one
from the process's own group up to the root counts. Elsewhere than on Linux there are none.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

SYSTEM = Path("/")
"""Where `proc` and `sys` are; tests have another one."""

UNLIMITED = 2**60
"""Bytes; version 1 says "no limit" by a number above it."""


def cpu_quota(root: Path = SYSTEM) -> float | None:
    """Return how many cores' time the process may use, 1.5 for one and a half; None if there is no limit."""
    found = [_cores(folder) for folder in _groups("cpu", root)]
    return min((cores for cores in found if cores is not None), default=None)


def memory_limit(root: Path = SYSTEM) -> int | None:
    """Return how many bytes the process may use; None if there is no limit."""
    names = ("memory.max", "memory.limit_in_bytes")
    found = [_number(folder / name) for folder in _groups("memory", root) for name in names]
    return min((limit for limit in found if limit is not None and limit < UNLIMITED), default=None)


def memory_left(root: Path = SYSTEM) -> int | None:
    """Return how many bytes the process may still take; None if there is no limit. A group's use counts all in it."""
    names = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
    found = [
        (_number(folder / limit), _number(folder / used)) for folder in _groups("memory", root) for limit, used in names
    ]
    left = [limit - (used or 0) for limit, used in found if limit is not None and limit < UNLIMITED]
    return max(0, min(left)) if left else None


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """Yield the folders of the process's group and of those around it, whether they are there or not.

    A container may see its own group as the root, and still be told the path that it has outside: then the root counts.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    mounted = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            places = {mounted, mounted / "unified"}
        elif controller in controllers.split(","):
            places = {mounted / controllers, mounted / controller}
        else:
            continue
        own = PurePosixPath(path.lstrip("/"))
        yield from (place / part for place in places for part in (own, *own.parents))


def _cores(group: Path) -> float | None:
    """Return quota over period of one group."""
    try:
        quota, period = (group / "cpu.max").read_text().split()
    except (OSError, ValueError):
        time, span = _number(group / "cpu.cfs_quota_us"), _number(group / "cpu.cfs_period_us")
    else:
        time, span = _as_number(quota), _as_number(period)
    return time / span if time is not None and time > 0 and span else None


def _number(path: Path) -> int | None:
    try:
        return _as_number(path.read_text())
    except OSError:
        return None


def _as_number(text: str) -> int | None:
    """Return a number, None for "max" and whatever else is none."""
    try:
        return int(text)
    except ValueError:
        return None
