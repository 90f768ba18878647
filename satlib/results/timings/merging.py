"""What `python -m benchmarks merging` found: ways to merge tokens, their errors, their time and memory.

Its results are in merging.json beside this file. Nothing is measured when it is read.
"""

from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

from satlib.results.timings import results


class Errors(NamedTuple):
    """How far attention to K merged tokens is from attention to all N, in one network, by one way, at one K / N."""

    network: str
    share: float
    """K / N."""
    way: str
    error: float
    """Mean over layers and images of the relative error of the output: the norm of the difference over its own."""
    layers: tuple[float, ...]
    """The same for each layer."""


class Duel(NamedTuple):
    """Two ways at one K / N of one network."""

    ratio: float
    """Mean error of the first over that of the second."""
    lower: int
    """In how many layers the first has the smaller error."""
    layers: int


class Growth(NamedTuple):
    """What one way takes at one N."""

    share: float
    """K / N."""
    tokens: int
    """N."""
    way: str
    seconds: float
    """CPU time of one thread, the median of the repetitions."""
    n_bytes: int
    """By how much the process grows at its peak."""


def errors() -> list[Errors]:
    """Return the errors of all ways, in the order in which they were measured."""
    return [
        Errors(row["network"], row["share"], row["way"], row["error"], tuple(row["layers"]))
        for row in results("merging")["errors"]
    ]


def networks() -> list[str]:
    """Return the names of the networks."""
    return list(dict.fromkeys(row.network for row in errors()))


def duels(first: str, second: str, network: str) -> Iterator[tuple[float, Duel]]:
    """Yield each K / N with the comparison of two ways there.

    Raises
    ------
    ValueError
        If a network or a way was not measured.
    """
    found = {(row.share, row.way): row for row in errors() if row.network == network}
    for way in (first, second):
        if way not in {name for _, name in found}:
            raise ValueError(f"nothing was measured of {way!r} in {network!r}")
    for share in dict.fromkeys(share for share, _ in found):
        a, b = found[share, first], found[share, second]
        lower = sum(x < y for x, y in zip(a.layers, b.layers, strict=True))
        yield share, Duel(a.error / b.error, lower, len(a.layers))


def growth() -> list[Growth]:
    """Return time and memory of all ways and sizes."""
    return [
        Growth(row["share"], row["tokens"], row["way"], median(row["seconds"]), row["bytes"])
        for row in results("merging")["growth"]
    ]
