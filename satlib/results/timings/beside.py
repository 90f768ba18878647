"""What `python -m benchmarks beside` measured: programs alone and beside busy ones, on one thread and on two.

Its results are in beside.json beside this file, if it has been run. Nothing is measured when it is read.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from satlib.support import tables

FILE = Path(__file__).with_name("beside.json")
COMMAND = "python -m benchmarks beside"
"""What writes the file."""
WALL, CPU, SCALING = 2.5, 1.3, 1.7
"""Beside others at most so many times the time and the CPU time; two threads at least so many times as fast as one."""
AT_ONCE = "two at once"
"""In place of a version: what each of two processes takes, of one thread each, that run at the same time."""
SCATTER = 1.05
"""Ratio to another version up to which this one counts as no slower."""


@dataclass(frozen=True)
class Row:
    """One subject in one version of the package, on a number of threads, alone or beside busy programs."""

    what: str
    version: str
    """"now", "before" for another version of the package, or ``AT_ONCE``."""
    threads: int
    beside: bool
    wall: list[float]
    """Seconds by the clock, of each repetition."""
    cpu: list[float]
    """Seconds of CPU time."""


@dataclass(frozen=True)
class Verdict:
    """A ratio, what it must be, and whether it is."""

    what: str
    threads: str
    measure: str
    ratio: float
    must: str
    met: bool


def measured() -> Mapping[str, Any] | None:
    """Return what the program wrote, or ``None`` if it has not been run."""
    try:
        content: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return content


def conditions(content: Mapping[str, Any]) -> str:
    """Say on what the program ran, and beside how many busy loops."""
    machine = content["machine"]
    return (
        f"{machine['processor']}, {machine['cores']} cores, {content['loops']} busy loops, load "
        f"{machine['load'][0]:.1f} at the start, torch {machine['torch']}"
    )


def rows(content: Mapping[str, Any]) -> list[Row]:
    """Return the rows of what the program wrote."""
    return [Row(**row) for row in content["rows"]]


def judge(found: Sequence[Row]) -> list[Verdict]:
    """Return every ratio that must be something, of medians.

    Chapters do not scale: most of their time goes to starting Python and to figures.
    """
    seconds = {(r.what, r.version, r.threads, r.beside): (median(r.wall), median(r.cpu)) for r in found}
    verdicts = []
    for (what, version, threads, beside), (wall, cpu) in seconds.items():
        alone = seconds.get((what, version, threads, False))
        if version == "now" and beside and alone is not None:
            verdicts.append(_at_most(what, threads, "beside / alone, time", wall / alone[0], WALL))
            verdicts.append(_at_most(what, threads, "beside / alone, CPU time", cpu / alone[1], CPU))
        before = seconds.get((what, "before", threads, False))
        if version == "now" and not beside and before is not None:
            verdicts.append(_at_most(what, threads, "alone, now / before", wall / before[0], SCATTER))
        one = seconds.get((what, version, 1, False))
        if version == "now" and not beside and threads == 2 and one is not None and not what.startswith("chapter"):
            faster = one[0] / wall
            verdicts.append(
                Verdict(what, "1 / 2", "alone, one thread / two", faster, f"at least {SCALING}", faster >= SCALING)
            )
    return verdicts


def limits(found: Sequence[Row]) -> dict[str, float]:
    """Return, for each subject, how much more two processes on two cores do than one: two threads cannot do more.

    Cores that share a physical core, its cache or its memory, or its clock, give less than 2.
    """
    seconds = {(row.what, row.version): median(row.wall) for row in found if row.threads == 1 and not row.beside}
    subjects = [what for what, version in seconds if version == AT_ONCE and (what, "now") in seconds]
    return {what: 2 * seconds[what, "now"] / seconds[what, AT_ONCE] for what in subjects}


def _at_most(what: str, threads: int, measure: str, ratio: float, limit: float) -> Verdict:
    return Verdict(what, str(threads), measure, ratio, f"at most {limit}", ratio <= limit)


def table(found: Sequence[Row]) -> str:
    """Return the medians as a table in Markdown, in seconds: by the clock, and of CPU time in brackets."""
    cells: dict[tuple[str, str, int], dict[bool, str]] = {}
    for row in found:
        text = f"{median(row.wall):.3g} ({median(row.cpu):.3g})"
        cells.setdefault((row.what, row.version, row.threads), {})[row.beside] = text
    lines = [(*measured, both.get(False, ""), both.get(True, "")) for measured, both in cells.items()]
    return tables.table(("what", "version", "threads", "alone, s", "beside others, s"), lines, align="llr")
