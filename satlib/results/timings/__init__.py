"""Measured seconds and bytes: what the programs of `benchmarks/` found, and what follows from it.

Each JSON file beside this one was written by the program of its name, `python -m benchmarks NAME`, and says on which
machine. Nothing here is measured when it is read. Seconds are CPU time of one thread, a list of repetitions. What is
measured on a GPU is in `satlib.results.timings.gpu`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from satlib.results.reading import choose_results

NAMES = (
    "cpu",
    "sweep",
    "profile",
    "roofline",
    "peers",
    "whole",
    "memory",
    "precision",
    "merging",
    "step",
    "onnx",
    "live",
    "newcomer",
    "spins",
)


def results(name: str) -> Mapping[str, Any]:
    """Return what one program wrote: "machine", and the program's own keys.

    Raises
    ------
    ValueError
        If ``name`` is not one of `NAMES`.
    """
    return choose_results("satlib.results.timings", name, NAMES, "results")


def conditions(name: str) -> str:
    """Say on what a program ran: processor, threads, the load of the last minute at start and end, torch's version."""
    m = results(name)["machine"]
    threads = "one thread" if m["threads"] == 1 else f"{m['threads']} threads"
    return (
        f"{m['processor']}, {m['cores']} cores, {threads}, load {m['load'][0]:.1f} at the start and "
        f"{m['load at end'][0]:.1f} at the end, torch {m['torch']}"
    )


def beside_other_work(name: str) -> bool:
    """Tell whether something else took a core while a program ran: the load was above 1.2 at its start and at its end.

    The program itself is 1 of the load at its end, and a program before it may be in the load at its start.
    """
    m = results(name)["machine"]
    return bool(min(m["load"][0], m["load at end"][0]) > 1.2)


def ratio(dense: float | Sequence[float], ours: float | Sequence[float]) -> float:
    """Return how many times more the dense form takes: the ratio of medians, or of two numbers."""
    above, below = (value if isinstance(value, (int, float)) else median(value) for value in (dense, ours))
    return above / below


def spread(dense: Sequence[float], ours: Sequence[float]) -> tuple[float, float]:
    """Return the smallest and the largest ratio of repetitions that ran one after the other."""
    pairs = [a / b for a, b in zip(dense, ours, strict=True)]
    return min(pairs), max(pairs)


class Line(NamedTuple):
    """One way of computing one thing, at growing sizes."""

    subject: str
    way: str
    """"dense" or "ours"."""
    tokens: list[int]
    seconds: list[float]
    """Medians."""
    n_bytes: list[int]
    """Growth of the process at its peak."""
    stopped: str
    """Where and why it was not measured any further; empty if it went through all sizes."""


def sweep() -> list[Line]:
    """Return time and memory against the number of tokens, as `python -m benchmarks sweep` measured them."""
    return [
        Line(
            line["subject"],
            line["way"],
            [point["grid"][0] * point["grid"][1] for point in line["points"]],
            [median(point["seconds"]) for point in line["points"]],
            [point["bytes"] for point in line["points"]],
            line["stopped"],
        )
        for line in results("sweep")["lines"]
    ]


@dataclass(frozen=True)
class Stage:
    """One stage of a network's blocks: what it takes, and what it would take at the machine's limits."""

    name: str
    count: int
    """How often the network runs it."""
    measured: float
    """Seconds of one run, the median."""
    limit: float
    """Seconds at the best rate of each kind of work: multiply-adds and exponentials, or bytes if these take longer."""
    at_shapes: float
    """The same with products at the rates that they reach in the shapes they have here."""
    bytes_bound: bool
    """Whether the bytes decide the limit."""

    @property
    def distance(self) -> float:
        """How many times the limit is taken."""
        return self.measured / self.limit


def stages(preset: str) -> list[Stage]:
    """Return the stages of a network that `python -m benchmarks roofline` measured.

    Raises
    ------
    ValueError
        If this network was not measured.
    """
    content = results("roofline")
    networks = {network["preset"]: network for network in content["networks"]}
    if preset not in networks:
        raise ValueError(f"no stages of {preset!r}; there are those of {', '.join(networks)}")
    return [_stage(row, content["rates"]) for row in networks[preset]["stages"]]


def _stage(row: Mapping[str, Any], rates: Mapping[str, float]) -> Stage:
    """Turn the needs of a stage into seconds."""
    products = row["products"]
    besides = row["depthwise"] / rates["multiply-adds"] + row["exponentials"] / rates["exponentials"]
    best = sum(p["macs"] for p in products) / rates["multiply-adds"] + besides
    shaped = sum(p["macs"] / p["rate"] for p in products) + besides
    moved = row["bytes"] / rates["bytes"]
    measured = median(row["seconds"])
    return Stage(row["name"], row["count"], measured, max(best, moved), max(shaped, moved), bytes_bound=moved > best)
