"""What SAT costs as images grow: plotly figures over the side of a square input, with a slider over the keep ratio."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from satlib.complexity.count import Complexity, complexity, largest_square
from satlib.config import SATConfig
from satlib.figures.kit.layout import GRAY, plot_layout
from satlib.figures.kit.lines import STANDOFF
from satlib.figures.kit.sliders import CONTROLS, frame_slider
from satlib.figures.kit.style import BLUE, VERMILLION

WIDTH, HEIGHT = 640, 440
SIDES = (32, 45, 64, 91, 128, 181, 256, 362, 512, 724, 1024)
"""Sides of square inputs, in pixels; each has twice the tokens of the one before."""

KEEP_RATIOS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
PAPER_RATIO = 0.03
CARDS = {"24 GB": 24e9, "140 GB": 140e9}
"""Memory of two kinds of GPU, in bytes."""

LOOKS: tuple[dict[str, Any], ...] = (
    {"line": {"color": VERMILLION}, "marker": {"symbol": "circle"}},
    {"line": {"color": BLUE}, "marker": {"symbol": "square"}},
    {"line": {"color": GRAY, "width": 2.5, "dash": "dot"}, "mode": "lines"},
    {"line": {"color": GRAY, "width": 2.5, "dash": "dash"}, "mode": "lines"},
)


def quadratic_share(configs: Mapping[str, SATConfig]) -> go.Figure:
    """Draw the share of the quadratic stages in all multiply-adds, a line for each network."""
    frames = []
    for ratio in KEEP_RATIOS:
        networks = {name: config.replace(keep_ratio=ratio) for name, config in configs.items()}
        lines = {name: [_share(config, side) for side in SIDES] for name, config in networks.items()}
        halves = (f"{name} {_first_half(config)}" for name, config in networks.items())
        frames.append(_frame(ratio, lines, f"At least half is quadratic: {'; '.join(halves)}", "%{y:.1%}"))
    axis = {"title": {"text": "share of all multiply-adds", "standoff": STANDOFF}, "range": [0, 1], "tickformat": ".0%"}
    return _figure(frames, axis)


def peak_memory(config: SATConfig) -> go.Figure:
    """Draw the peak memory of one dense SAA layer and of satlib's whole network, and the memory of two cards."""
    frames = []
    for ratio in KEEP_RATIOS:
        network = config.replace(keep_ratio=ratio)
        costs = [_square(network, side) for side in SIDES]
        lines = {
            "dense": [cost.dense_memory / 1e9 for cost in costs],
            "satlib": [cost.memory["satlib"] / 1e9 for cost in costs],
        }
        lines |= {card: [size / 1e9] * len(SIDES) for card, size in CARDS.items()}
        frames.append(_frame(ratio, lines, _limits(network), "%{y:.3g} GB"))
    ticks = {"tickvals": [0.01, 0.1, 1, 10, 100, 1000], "ticktext": ["0.01", "0.1", "1", "10", "100", "1000"]}
    return _figure(frames, {"title": {"text": "GB", "standoff": STANDOFF}, "type": "log", "range": [-2, 3.4], **ticks})


def _square(config: SATConfig, side: int) -> Complexity:
    return complexity(config, (side * config.scale, side * config.scale))


def _share(config: SATConfig, side: int) -> float:
    cost = _square(config, side)
    return cost.quadratic / cost.total


def _first_half(config: SATConfig) -> str:
    """Say from which side on the quadratic stages are at least one half."""
    reached = (side for side in range(1, SIDES[-1] + 1) if _share(config, side) >= 0.5)
    return f"from a side of {next(reached, SIDES[-1]):,} on"


def _limits(config: SATConfig) -> str:
    """Say how large a square input fits on each card."""
    stops = (
        f"{name} " + " and ".join(f"{largest_square(config, size, dense=dense):,}" for size in CARDS.values())
        for name, dense in (("dense", True), ("satlib", False))
    )
    return f"Largest side with {' and '.join(CARDS)}: {'; '.join(stops)}"


def _frame(ratio: float, lines: Mapping[str, Sequence[float]], note: str, hover: str) -> go.Frame:
    """Return what the figure shows at one keep ratio; ``note`` becomes its title."""
    data = [
        go.Scatter(
            x=SIDES,
            y=[float(f"{value:.4g}") for value in values],
            name=name,
            hovertemplate=f"side %{{x}}: {hover}",
            **({"mode": "lines+markers"} | look),
        )
        for (name, values), look in zip(lines.items(), LOOKS, strict=False)
    ]
    return go.Frame(name=f"{ratio:.1%}", data=data, layout={"title": {"text": note}})


def _figure(frames: list[go.Frame], yaxis: dict[str, Any]) -> go.Figure:
    start = KEEP_RATIOS.index(PAPER_RATIO)
    names = [frame.name for frame in frames]
    ticks = [side for side in SIDES if side & (side - 1) == 0]
    across = {
        "title": {"text": "side of the input in pixels"},
        "type": "log",
        "tickvals": ticks,
        "ticktext": [str(side) for side in ticks],
    }
    title = frames[start].layout.title.text
    layout = plot_layout((WIDTH, HEIGHT), (15, 10, 40, 45), controls=CONTROLS, title=title, x=across, y=yaxis)
    layout["sliders"] = [frame_slider(names, "K / N", names[start])]
    return go.Figure(data=frames[start].data, layout=layout, frames=frames)
