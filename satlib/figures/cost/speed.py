"""How fast SAT is, as plotly bars of measured seconds and bytes. What grows with the image is in `growth`, beside it.

Names and values stand above bars, not beside them, and figures are narrow and high, so that they read on a phone. The
dense form is vermillion, satlib blue; marks and places tell them apart as well.
"""

import re
from collections.abc import Mapping, Sequence
from math import log10
from statistics import median
from typing import Any

import plotly.graph_objects as go

from satlib.complexity.measured import Cost
from satlib.figures.kit.layout import GRAY, plot_layout
from satlib.figures.kit.style import BLUE, ORANGE, SKY, VERMILLION
from satlib.results.timings import Stage, ratio

WIDTH = 470
ROW, PAIR = 50, 58
"""Pixels of a row: a name and one bar, or two."""
TITLE, AROUND = 40, 75
"""Pixels that the title takes, and legend and axis of a figure of rows."""
MIDDLE, UPPER, LOWER = 0.1, 0.02, 0.28
"""Where in a row its bar lies, or its two bars; the name is above."""
COLORS = {"dense": VERMILLION, "ours": BLUE}
WAYS = {"dense": "dense", "ours": "satlib"}


def change_bars(changes: Mapping[str, Mapping[str, Cost]]) -> go.Figure:
    """Draw how many times less each change takes, time and memory, as two bars on a log axis.

    ``changes`` has, by name, the cost "before" and "after".
    """
    factors = {name: factors_of(cost) for name, cost in changes.items()}
    names = [f"{name}: {time:.1f}× time, {memory:.1f}× memory" for name, (time, memory) in factors.items()]
    time, memory = zip(*factors.values(), strict=True)
    drawn = [
        bars("time", time, BLUE, shift=UPPER, width=0.24),
        bars("memory", memory, SKY, shift=LOWER, width=0.24),
    ]
    title = "How many times less each change takes"
    return rows_figure(drawn, names, title, "before / after", _times_axis(max(*time, *memory)), start=1, height=PAIR)


def factors_of(cost: Mapping[str, Cost]) -> tuple[float, float]:
    """Return how many times more seconds and bytes the way before takes than the way after."""
    before, after = cost["before"], cost["after"]
    return before.seconds / after.seconds, before.n_bytes / after.n_bytes


def _times_axis(most: float) -> dict[str, Any]:
    """Return a log axis of factors from 1 on."""
    ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    shown = [tick for tick in ticks if tick <= 1.05 * most]
    return {
        "type": "log",
        "tickvals": shown,
        "ticktext": [f"{tick}×" for tick in shown],
        "range": [0, log10(1.05 * most)],
    }


def ratio_bars(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Draw how many times less satlib takes than the dense form, and the targets.

    ``rows`` are those of ``timings.results("cpu")``: time first, then memory, on one log axis.
    """
    values = [ratio(row["dense"], row["ours"]) for row in rows]
    kinds = [" (memory)" if row["unit"] == "bytes" else "" for row in rows]
    what = [re.sub(r"(\d)x(\d)", r"\1×\2", row["what"]) for row in rows]
    names = [f"{name}{kind}: {v:.1f}×" for name, kind, v in zip(what, kinds, values, strict=True)]
    drawn = [bars("satlib", values, [SKY if kind else BLUE for kind in kinds])]
    for key, symbol, color in (("must", "line-ns-open", VERMILLION), ("aim", "diamond", ORANGE)):
        marked = [(place + MIDDLE, row[key]) for place, row in enumerate(rows) if key in row]
        places, targets = zip(*marked, strict=True)
        drawn.append(_marks(key, targets, places, symbol, color, f"{key}: %{{x}}×"))
    axis = _times_axis(max(*values, *(row["must"] for row in rows)))
    return rows_figure(
        drawn, names, "How many times less satlib takes than the dense form", "dense / satlib", axis, start=1
    )


def stage_bars(parts: Sequence[Mapping[str, Any]], stages: Sequence[Stage]) -> go.Figure:
    """Draw the seconds that each part of a network takes, before and after, and the machine's limit.

    ``parts`` are those of one network in ``timings.results("profile")``; ``stages`` its
    :func:`satlib.results.timings.stages`.
    """
    seconds = {way: [part["count"] * median(part[way]) for part in parts] for way in WAYS}
    names = [
        f"{part['name']}: {dense:.2f} s → {ours:.2f} s"
        for part, dense, ours in zip(parts, seconds["dense"], seconds["ours"], strict=True)
    ]
    place = {part["name"]: index + LOWER for index, part in enumerate(parts)}
    drawn = [
        bars(WAYS[way], values, COLORS[way], shift=shift, width=0.24)
        for (way, values), shift in zip(seconds.items(), (UPPER, LOWER), strict=True)
    ]
    limits = [stage.count * stage.limit for stage in stages]
    places = [place[stage.name] for stage in stages]
    drawn.append(_marks("limit", limits, places, "line-ns-open", ORANGE, "limit: %{x:.3g} s"))
    title = f"All parts together: {sum(seconds['dense']):.1f} s dense, {sum(seconds['ours']):.1f} s in satlib"
    return rows_figure(drawn, names, title, "CPU seconds of a forward pass", {}, height=PAIR)


def peer_bars(groups: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Draw how long other networks take in relation to SAT, for each group of ``timings.results("peers")``."""
    names, values, colors = [], [], []
    for group in groups:
        seconds = {row["name"]: median(row["seconds"]) for row in group["rows"]}
        own, size = group["preset"], f"{group['grid'][0]} × {group['grid'][1]}"
        for name, time in seconds.items():
            values.append(time / seconds[own])
            names.append(f"{name}, {size}: {values[-1]:.2f}× ({time:.2f} s)")
            colors.append(BLUE if name == own else VERMILLION if name.startswith(own) else GRAY)
    figure = rows_figure(
        [bars("network", values, colors)],
        names,
        "Time in multiples of satlib's SAT at the same size",
        "time / time of satlib's SAT",
        {},
    )
    return figure.update_layout(showlegend=False)


def bars(
    name: str, values: Sequence[float], color: str | list[str], *, shift: float = MIDDLE, width: float = 0.4
) -> go.Bar:
    """Return horizontal bars, one in each row; ``shift`` moves them down."""
    return go.Bar(
        x=list(values),
        y=[place + shift for place in range(len(values))],
        orientation="h",
        name=name,
        width=width,
        marker={"color": color},
        hoverinfo="skip",
    )


def _marks(
    name: str, values: Sequence[float], places: Sequence[float], symbol: str, color: str, hover: str
) -> go.Scatter:
    """Return marks over the bars, at values in rows."""
    size = 9 if symbol == "diamond" else 14
    return go.Scatter(
        x=list(values),
        y=list(places),
        mode="markers",
        name=name,
        marker={"symbol": symbol, "size": size, "color": color, "line": {"width": 3, "color": color}},
        hovertemplate=f"{hover}<extra></extra>",
    )


def rows_figure(
    drawn: Sequence[go.Bar | go.Scatter],
    names: Sequence[str],
    title: str,
    unit: str,
    axis: dict[str, Any],
    *,
    start: float = 0.0,
    height: int = ROW,
) -> go.Figure:
    """Return a figure of rows from top to bottom, each under its name, which begins at the value ``start``."""
    written = go.Scatter(
        x=[start] * len(names),
        y=[place - 0.29 for place in range(len(names))],
        mode="text",
        text=list(names),
        textposition="middle right",
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )
    layout = _layout(height * len(names) + AROUND, title)
    largest = max(value for trace in drawn for value in trace.x)
    layout["xaxis"] |= {"title": {"text": unit}, "range": [0, 1.05 * largest], **axis}
    layout["yaxis"] |= {
        "range": [len(names) - 0.45, -0.55],
        "showticklabels": False,
        "ticks": "",
        "showgrid": False,
        "zeroline": False,
    }
    layout["barmode"] = "overlay"
    return go.Figure(data=[*drawn, written], layout=layout)


def _layout(height: int, title: str) -> dict[str, Any]:
    return plot_layout((WIDTH, height), (15, 15, TITLE, 45), controls=TITLE, title=title)
