"""What SAT costs, as printed pictures: two conventions beside each other, stages, and time against tokens."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from satlib.complexity.count import QUADRATIC, WINDOW_PRODUCTS, Complexity
from satlib.complexity.layer_costs import LAYERS
from satlib.figures.kit.style import BLUE, GREEN, VERMILLION, WIDTH, panels, styled

PUBLISHED: dict[str, Any] = {"color": BLUE}
LEFT_OUT: dict[str, Any] = {"facecolor": "white", "edgecolor": VERMILLION, "hatch": "////"}
WINDOWS: dict[str, Any] = {"facecolor": "white", "edgecolor": GREEN, "hatch": "...."}


@styled
def convention_bars(costs: Mapping[str, tuple[float, float]]) -> Figure:
    """Draw, for each network, the multiply-adds of the published convention and what all products add to them.

    ``costs`` maps a name to (published, total). Both numbers stand left of the bars, where a narrow screen shows them.
    """
    figure = Figure(figsize=(WIDTH, 0.36 * len(costs) + 0.9), layout="constrained")
    ax = figure.subplots()
    published, total = ([values[i] / 1e12 for values in costs.values()] for i in (0, 1))
    rest = [t - p for p, t in zip(published, total, strict=True)]
    places = range(len(costs))
    ax.barh(places, published, label="layers alone", **PUBLISHED)
    ax.barh(places, rest, left=published, label="products outside the layers", **LEFT_OUT)
    numbers = (f"{p:.2f}\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}{t:.2f}" for p, t in zip(published, total, strict=True))
    ax.set_yticks(places, [f"{name}   {both}" for name, both in zip(costs, numbers, strict=True)])
    ax.invert_yaxis()
    ax.set(xlabel="multiply-adds, $10^{12}$")
    ax.tick_params(axis="y", length=0)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure


@styled
def print_marks(ratios: Mapping[str, Mapping[int, float]]) -> Figure:
    """Draw a mark for each network and scale: its printed FLOPs as a multiple of a count with all products."""
    figure = Figure(figsize=(WIDTH, 0.36 * len(ratios) + 1.2), layout="constrained")
    ax = figure.subplots()
    ax.axvline(1, color="0.5", linewidth=0.8)
    scales = sorted({scale for of_scales in ratios.values() for scale in of_scales})
    for scale, mark, color in zip(scales, "os^", (BLUE, VERMILLION, GREEN), strict=False):
        known = [(of[scale], place) for place, of in enumerate(ratios.values()) if scale in of]
        ax.plot(*zip(*known, strict=True), mark, color=color, markersize=6, label=f"×{scale}")
    ax.set_xscale("log")
    ticks = (0.1, 0.2, 0.5, 1, 2)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_yticks(range(len(ratios)), list(ratios))
    ax.invert_yaxis()
    ax.set(xlabel="printed FLOPs / multiply-adds with all products")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(scales))
    return figure


def stage_label(stage: str) -> str:
    """Return the name of a stage of :class:`~satlib.complexity.Complexity` as it is displayed: QKᵀ, S × S."""
    return stage.replace("^T", "ᵀ").replace(" x ", " × ")


@styled
def stage_bars(cost: Complexity) -> Figure:
    """Draw the share of every stage in all multiply-adds, and what kind of stage it is."""
    figure = Figure(figsize=(WIDTH, 0.24 * len(cost.macs) + 0.8), layout="constrained")
    ax = figure.subplots()
    kinds = {
        "layer, counted in the paper": (LAYERS, PUBLISHED),
        "left out, grows with N": (WINDOW_PRODUCTS, WINDOWS),
        "left out, grows with N²": (QUADRATIC, LEFT_OUT),
    }
    order = sorted(cost.macs, key=lambda stage: cost.macs[stage])
    for label, (stages, style) in kinds.items():
        places = [place for place, stage in enumerate(order) if stage in stages]
        ax.barh(places, [100 * cost.macs[order[place]] / cost.total for place in places], label=label, **style)
    ax.set_yticks(range(len(order)), [stage_label(stage) for stage in order])
    ax.set(xlabel="% of all multiply-adds")
    ax.tick_params(axis="y", length=0)
    ax.legend(loc="lower right")
    return figure


@styled
def time_lines(
    tokens: Sequence[int], seconds: Mapping[str, Sequence[float]], macs: Mapping[str, Sequence[float]]
) -> Figure:
    """Draw measured seconds beside counted multiply-adds, both against the number of tokens, on log axes."""
    figure, axes = panels(2, 0.85)
    titles = ("measured seconds", "counted multiply-adds")
    for ax, title, lines in zip(axes, titles, (seconds, macs), strict=True):
        for (name, values), marker, color in zip(lines.items(), "o^s", (VERMILLION, BLUE, GREEN), strict=False):
            ax.loglog(tokens, values, marker=marker, color=color, label=name)
        ax.set(title=title, xlabel="tokens N")
        ax.grid(visible=True, which="major", color="0.9")
        ax.legend(loc="upper left")
    return figure
