"""The published tables as data, and what we counted of the peers in them: nothing of either is typed anywhere else.

`tables.json` holds Table 1 of the main text, Tables A to H of the appendix, and the light baselines that the PFT paper
gives. `peers.json` is written by `python -m benchmarks count-peers`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from satlib.results.reading import read_results

HERE = "satlib.results.paper"

Value = str | int | float | None
Row = dict[str, Value]

NAMES = ("1", "A", "B", "C", "D", "E", "F", "G", "H", "light")
"""The tables: as the paper numbers them, and "light" for the light baselines."""


@dataclass(frozen=True)
class Table:
    """One published table."""

    name: str
    """"1", "A" to "H", or "light"."""
    caption: str
    source: str
    """Where it stands."""
    note: str
    """What a reader should know beside it."""
    columns: tuple[str, ...]
    """Names of the columns, units in parentheses where there are several in use."""
    rows: tuple[tuple[Value, ...], ...]
    """Values as published; ``None`` where there is none."""

    def where(self, wanted: Mapping[str, Value]) -> list[Row]:
        """Return the rows that have the wanted values in the named columns, each as a dict by column.

        Raises
        ------
        ValueError
            If a column does not exist.
        """
        for column in wanted:
            if column not in self.columns:
                known = ", ".join(self.columns)
                raise ValueError(f"table {self.name} has no column {column!r}; its columns are {known}")
        rows = (dict(zip(self.columns, row, strict=True)) for row in self.rows)
        return [row for row in rows if wanted.items() <= row.items()]

    def number(self, wanted: Mapping[str, Value], column: str) -> float:
        """Return the number in ``column`` of the one row that has the wanted values.

        Raises
        ------
        ValueError
            If no row or several rows have them, or there is no number.
        """
        found = self.where({**wanted})
        if len(found) != 1:
            raise ValueError(f"{len(found)} rows of table {self.name} have {dict(wanted)}, not one")
        value = found[0].get(column)
        if not isinstance(value, (int, float)):
            raise ValueError(f"table {self.name} has no number in column {column!r} for {dict(wanted)}")
        return value


@cache
def table(name: str) -> Table:
    """Return a published table: one of `NAMES`.

    Raises
    ------
    ValueError
        If there is no such table.
    """
    if name not in NAMES:
        raise ValueError(f"unknown table {name!r}; choose one of {', '.join(NAMES)}")
    raw = read_results(HERE, "tables")[name]
    rows = tuple(tuple(row) for row in raw["rows"])
    return Table(name, raw["caption"], raw["source"], raw["note"], tuple(raw["columns"]), rows)


@dataclass(frozen=True)
class Peer:
    """Another network, counted by us as :mod:`satlib.complexity` counts SAT."""

    method: str
    scale: int
    params: int
    published: int
    """Multiply-adds of linear and convolution layers, plus 5 for each normalised element."""
    total: int
    """Those and the matrix products outside the layers."""


@cache
def peers() -> tuple[Peer, ...]:
    """Return the peers that were counted, at x2, x3 and x4."""
    return tuple(Peer(**row) for row in read_results(HERE, "peers")["rows"])


@cache
def peers_as_timed() -> tuple[Peer, ...]:
    """Return the same peers at an output of 512 x 512, for which Table A has run times."""
    return tuple(Peer(**row) for row in read_results(HERE, "peers")["rows timed"])


def peer_versions() -> dict[str, str]:
    """Return the versions of the packages that the peers were built and counted with."""
    return dict(read_results(HERE, "peers")["versions"])
