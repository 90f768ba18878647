"""What `python -m benchmarks spins` measured: threads that look more or less often before they sleep.

Its results are in spins.json beside this file. Nothing is measured when it is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from satlib.support import tables

COUNTS = (0, 500, 1000, 2000)
"""How often threads look before they sleep."""
UPSCALES = "four calls of `satlib upscale`"
ALONE, BESIDE = "alone", "beside"
"""On an idle machine, and with a busy loop for each core."""
IN_A_ROW, AT_ONCE = "in a row", "at once"


@dataclass(frozen=True)
class Row:
    """One subject with one count in one place."""

    what: str
    count: int | None
    """Of `COUNTS`, on two threads; None: one thread."""
    place: str
    """`ALONE` or `BESIDE`; of `UPSCALES` `IN_A_ROW` or `AT_ONCE`."""
    seconds: list[float]
    """By the clock, of each repetition."""


def rows(content: Mapping[str, Any]) -> list[Row]:
    """Return the rows of what the program wrote."""
    return [Row(**row) for row in content["rows"]]


def table(found: Sequence[Row]) -> str:
    """Return medians of the seconds as a table in Markdown: a line for each subject and place, a column for a count."""
    cells: dict[str, dict[int | None, str]] = {}
    for row in found:
        cells.setdefault(f"{row.what}, {row.place}", {})[row.count] = f"{median(row.seconds):.2f}"
    lines = [(what, *(of.get(count, "") for count in (*COUNTS, None))) for what, of in cells.items()]
    return tables.table(("count", *(f"{count:,}" for count in COUNTS), "one thread"), lines, align="lr")


def change(found: Sequence[Row], what: str, place: str, count: int) -> float:
    """Return how many times as long something takes with a count as with threads that sleep at once."""
    own = {row.count: median(row.seconds) for row in found if (row.what, row.place) == (what, place)}
    return own[count] / own[0]


def scatter(found: Sequence[Row]) -> float:
    """Return how many times as long as the shortest the longest repetition took, where they differ most."""
    return max(max(row.seconds) / min(row.seconds) for row in found)
