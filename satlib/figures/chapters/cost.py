"""*What SAT costs* and *Counted alike*: costs as pictures. Its tables are in the file beside this one, `cost_tables`.

Costs are multiply-adds for one output image; T is 10^12 of them.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from satlib.complexity.count import Complexity
from satlib.config import SATConfig
from satlib.figures.cost import bars, sliders
from satlib.figures.kit.show import Shown, show


class Cost(Protocol):
    """What any counted network has: :class:`~satlib.complexity.Complexity` and the peers' costs are such."""

    @property
    def published(self) -> int:
        """Multiply-adds of layers, in the convention that gives the paper's FLOPs."""

    @property
    def total(self) -> int:
        """Those and the products outside the layers."""


Costs = Mapping[tuple[str, int], Cost]
"""Costs of networks by (name, scale)."""


def conventions(costs: Costs, scale: int) -> Shown:
    """Draw the multiply-adds of the networks at one scale, the cheapest in layers first, and what products add."""
    found = {name: (cost.published, cost.total) for (name, s), cost in costs.items() if s == scale}
    ordered = dict(sorted(found.items(), key=lambda item: item[1]))
    values = "; ".join(f"{name}: {p / 1e12:.2f} in layers, {t / 1e12:.2f} in all" for name, (p, t) in ordered.items())
    dearest = max(ordered, key=lambda name: ordered[name][1] - ordered[name][0])
    return show(
        bars.convention_bars(ordered),
        alt=f"Bars of the multiply-adds, in T, of {len(ordered)} networks at x{scale}, each in two parts: what layers "
        f"with weights do, filled, and products outside of them, hatched. {values}. {dearest} has the largest hatched "
        "part.",
    )


def prints(costs: Costs, printed: Mapping[tuple[str, int], float]) -> Shown:
    """Draw each network's printed FLOPs (T) as a multiple of its multiply-adds with all products, the least first."""
    ratios: dict[str, dict[int, float]] = {}
    for (name, s), value in printed.items():
        if (name, s) in costs:
            ratios.setdefault(name, {})[s] = value * 1e12 / costs[name, s].total
    ordered = dict(sorted(ratios.items(), key=lambda item: min(item[1].values())))
    told = "; ".join(
        f"{name} {', '.join(f'{ratio:.2f} at x{s}' for s, ratio in sorted(of.items()))}" for name, of in ordered.items()
    )
    return show(
        bars.print_marks(ordered),
        alt="A row for each network with a mark for each scale: FLOPs as the paper prints them over our count of all "
        f"multiply-adds, on a log axis with a line at 1. {told}.",
    )


def stages(cost: Complexity) -> Shown:
    """Draw the share of every stage in all multiply-adds of a network."""
    largest = sorted(cost.macs, key=lambda stage: -cost.macs[stage])[:3]
    return show(
        bars.stage_bars(cost),
        alt="Bars of the share of every stage in all multiply-adds. The largest are "
        f"{', '.join(map(bars.stage_label, largest))}. Layers have {cost.published / cost.total:.0%} together, "
        f"quadratic products {cost.quadratic / cost.total:.0%}.",
    )


def quadratic_share(networks: Mapping[str, SATConfig]) -> Shown:
    """Draw the share of the quadratic stages against the side of a square input, with a slider over the keep ratio."""
    figure = sliders.quadratic_share(networks)
    return show(
        figure,
        alt="Rising curves, the share of the quadratic stages in all multiply-adds against the side of a square "
        f"input: {', '.join(networks)}. A larger keep ratio moves them to the left. {figure.layout.title.text}.",
    )


def peak_memory(config: SATConfig) -> Shown:
    """Draw the peak memory of one dense SAA layer and of satlib's whole network, with a slider over the keep ratio."""
    figure = sliders.peak_memory(config)
    return show(
        figure,
        alt="Peak memory in GB against the side of a square input, on log axes. The line of the dense form is twice as "
        "steep as that of satlib; two level lines are the memory of cards. A larger keep ratio lifts the dense form "
        f"alone. {figure.layout.title.text}.",
    )


def times(tokens: Sequence[int], seconds: Mapping[str, Sequence[float]], macs: Mapping[str, Sequence[float]]) -> Shown:
    """Draw the measured seconds of layers beside their counted multiply-adds, against the number of tokens."""
    factor = tokens[-1] / tokens[0]
    grown = "; ".join(f"{name} {values[-1] / values[0]:.0f} times" for name, values in macs.items())
    return show(
        bars.time_lines(tokens, seconds, macs),
        alt="Two log-log panels against the number of tokens, measured seconds and counted multiply-adds, for "
        f"{' and '.join(seconds)}. From the smallest to the largest image, with {factor:.0f} times the tokens, the "
        f"counts grow so: {grown}.",
    )
