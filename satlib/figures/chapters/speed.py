"""Chapter 11 and the page of benchmarks: how fast SAT is, as pictures, and what a change saves in words.

The tables of the page are in the file beside this one, `speed_tables`.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from satlib.complexity.measured import Cost
from satlib.figures.cost import growth, speed, speed_gpu
from satlib.figures.kit.show import Shown, show
from satlib.results import timings
from satlib.results.timings import gpu

Rows = Sequence[Mapping[str, Any]]
"""Of the programs of `benchmarks/`, as :func:`satlib.results.timings.results` has them."""


def time(lines: Sequence[timings.Line]) -> Shown:
    """Draw the seconds of a layer and of a network against the tokens, dense and as satlib has them."""
    return show(
        growth.time_lines(lines),
        alt="Seconds against tokens on log axes, for one SAA layer and for the whole light network, each in the dense "
        "form and in satlib. The dense lines lie above and end earlier. "
        + " ".join(
            f"{x.subject}, {speed.WAYS[x.way]}: {x.seconds[-1]:.3g} s at {x.tokens[-1]:,} tokens." for x in lines
        ),
    )


def memory(lines: Sequence[timings.Line]) -> Shown:
    """Draw the same for the memory at the peak."""
    return show(
        growth.memory_lines(lines),
        alt="Megabytes at the peak against tokens on log axes, for one SAA layer and for the whole light network. The "
        "dense lines rise like N squared, those of satlib like N. "
        + " ".join(
            f"{x.subject}, {speed.WAYS[x.way]}: {x.n_bytes[-1] / 1e6:,.0f} MB at {x.tokens[-1]:,} tokens."
            for x in lines
        ),
    )


def before_and_after(cost: Mapping[str, Cost]) -> str:
    """Return the cost "before" and "after" a change as part of a sentence."""
    return ", ".join(f"{_milliseconds(c.seconds)} and {c.n_bytes / 1e6:,.1f} MB {when}" for when, c in cost.items())


def _milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:,.0f} ms" if seconds >= 0.1 else f"{1e3 * seconds:.2g} ms"


def changes(costs: Mapping[str, Mapping[str, Cost]]) -> Shown:
    """Draw how many times less each change takes, time and memory; ``costs`` has the cost before and after by name."""
    factors = {name: speed.factors_of(cost) for name, cost in costs.items()}
    return show(
        speed.change_bars(costs),
        alt=f"Two bars for each of {len(costs)} changes, how many times less time and how many times less memory it "
        "takes, on a log axis. "
        + " ".join(f"{name}: {time:.1f} and {memory:.1f} times." for name, (time, memory) in factors.items()),
    )


def targets(rows: Rows) -> Shown:
    """Draw the ratios of `python -m benchmarks cpu` beside those that the project has set itself."""
    return show(
        speed.ratio_bars(rows),
        alt="Bars of how many times less satlib takes than the dense form, with the ratio that must be reached and the "
        "one aimed at. " + " ".join(f"{r['what']}: {timings.ratio(r['dense'], r['ours']):.1f}." for r in rows),
    )


def parts(network: Mapping[str, Any]) -> Shown:
    """Draw the seconds of each part of a network of `python -m benchmarks profile`, and the machine's limits."""
    seconds = {part["name"]: [part["count"] * median(part[way]) for way in speed.WAYS] for part in network["parts"]}
    said = "; ".join(f"{name} {dense:.2f} and {ours:.2f}" for name, (dense, ours) in seconds.items())
    return show(
        speed.stage_bars(network["parts"], timings.stages(network["preset"])),
        alt=f"Bars of seconds for each part of {network['preset']}, dense and satlib: {said}. A mark is the limit.",
    )


def peers(groups: Rows) -> Shown:
    """Draw the time of other networks in multiples of satlib's SAT, by groups of `python -m benchmarks peers`."""
    said = "; ".join(
        f"{row['name']} at {group['grid'][0]}: {median(row['seconds']):.2f} s"
        for group in groups
        for row in group["rows"]
    )
    return show(
        speed.peer_bars(groups),
        alt=f"Bars of the time of several networks, in multiples of satlib's SAT at the same size. {said}.",
    )


def forward_on_gpu(content: gpu.Content) -> Shown:
    """Draw the milliseconds of one image through several networks in bfloat16, as measured on a GPU."""
    said = "; ".join(f"{name} {1e3 * seconds:.1f}" for name, seconds in gpu.forward(content, "bfloat16").items())
    return show(
        speed_gpu.forward_bars(content, "bfloat16"),
        alt=f"Bars of milliseconds of one image through several networks on a GPU. {said}.",
    )
