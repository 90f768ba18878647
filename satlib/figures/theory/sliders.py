"""Theorem 3.2 with knobs: plotly figures over the grid of a study, whose sliders need no Python in the published page.

Two sliders work together where each changes something of its own: one the values of all lines, the other which lines
are shown. Colours are readable on light and on dark pages.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from satlib.figures.kit.layout import GRAY
from satlib.figures.kit.sliders import INSTANTLY
from satlib.figures.kit.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION
from satlib.theory.study import Results, column
from satlib.theory.study.compression import SPREADS

WIDTH, PLOT_HEIGHT = 540, 580
"""Pixels of the plot with its legend, without title and sliders; high, so that it still reads on a phone."""
BELOW = 175
"""Pixels for the horizontal axis and a legend of one column, as on a phone."""


def two_clusters(ratios: Sequence[int], errors: Sequence[float]) -> go.Figure:
    """Draw the error of two duplicate clusters against their size ratio, the closed form, and a slider along it.

    Parameters
    ----------
    ratios
        n2 / n1 at each step.
    errors
        Measured ||O - O*||_F / (sqrt(N) ||v1 - v2||) at each step.
    """
    place = np.geomspace(1, ratios[-1], 100)
    lines = [
        _line(place, np.tanh(np.log(place) / 4), "largest possible: tanh(log(n₂/n₁)/4)", GRAY, dash="dash"),
        _line(place, place / (1 + place) - 0.5, "closed form at q = 0", BLUE),
    ]
    notes = [
        f"1 : {r}. The larger cluster's weight is {r / (1 + r):.3f} in exact attention, ½ in SAA: error {e:.3f}"
        for r, e in zip(ratios, errors, strict=True)
    ]
    dots = [
        go.Scatter(x=[r], y=[e], mode="markers", name="measured", marker={"size": 12, "color": VERMILLION})
        for r, e in zip(ratios, errors, strict=True)
    ]
    labels = [f"1 : {r}" for r in ratios]
    steps = [{"label": label, "method": "animate", "args": [[label], INSTANTLY]} for label in labels]
    frames = [
        go.Frame(name=label, data=[dot], traces=[2], layout={"title": {"text": note}})
        for label, dot, note in zip(labels, dots, notes, strict=True)
    ]
    layout = _layout(notes[0], "n₂ / n₁", "error / (√N ‖v₁ − v₂‖)", ticks=(1, 2, 4, 8, 16, 32, 64))
    _with_sliders(layout, ("n₁ : n₂", steps))
    return go.Figure(data=[*lines, dots[0]], layout=layout, frames=frames)


def spread(results: Results) -> go.Figure:
    """Draw the errors given coverage against the cluster radius, with a slider over the size ratio."""
    by_ratio = {r: _spread_lines(results, r) for r in (1, 16)}
    layout = _layout(
        "Every cluster sampled: N = 512, K = 8, S = 256",
        "σ, radius of the clusters",
        "error, relative",
        ticks=SPREADS[::2],
    )
    layout["yaxis"] |= {"type": "log", "exponentformat": "power", "range": [-9.5, 1], "dtick": 2}
    steps = [_values(f"{r} : 1", lines) for r, lines in by_ratio.items()]
    _with_sliders(layout, ("largest : smallest cluster", steps))
    return go.Figure(data=by_ratio[1], layout=layout)


def _spread_lines(results: Results, size_ratio: int) -> list[go.Scatter]:
    similarity, center = (
        results.rows("covered", aggregation=a, size_ratio=size_ratio) for a in ("similarity", "center")
    )
    place = column(similarity, "sigma")
    return [
        _line(place, column(similarity, "blind")[:, 2], "total, SAA", VERMILLION, markers=True),
        _line(place, column(similarity, "aware")[:, 2], "total, with log n", GREEN, markers=True),
        _line(place, column(similarity, "bound"), "proved bound, similarity, log n", GRAY, dash="dash"),
        _line(place, column(similarity, "random"), "random centres, log n", BLUE, dash="dot"),
        _line(place, column(similarity, "trivial"), "mean value", PURPLE, dash="dashdot"),
        _line(place, np.median(column(center, "cluster"), 1), "cluster error, centre alone", ORANGE, markers=True),
        _line(place, np.median(column(similarity, "cluster"), 1), "cluster error, similarity", SKY, markers=True),
    ]


def _line(
    x: npt.ArrayLike, y: npt.ArrayLike, name: str, color: str, *, dash: str = "solid", markers: bool = False
) -> go.Scatter:
    place, values = (np.asarray(v, dtype=np.float64).tolist() for v in (x, y))
    mode = "lines+markers" if markers else "lines"
    return go.Scatter(
        x=place, y=values, name=name, mode=mode, line={"color": color, "dash": dash}, marker={"color": color}
    )


def _values(label: str, lines: Sequence[go.Scatter]) -> dict[str, Any]:
    """Return a slider's step that gives all lines new values."""
    return {"label": label, "method": "restyle", "args": [{"y": [list(line.y) for line in lines]}]}


def _with_sliders(layout: dict[str, Any], *sliders: tuple[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Add sliders, each a name and its steps, one above the other between the title and the plot."""
    room = 45 + 75 * len(sliders)
    layout["sliders"] = [
        {
            "active": 0,
            "currentvalue": {"prefix": f"{name} = "},
            "steps": steps,
            "yanchor": "bottom",
            "y": 1 + (75 * i + 10) / (PLOT_HEIGHT - BELOW),
        }
        for i, (name, steps) in enumerate(sliders)
    ]
    layout["margin"]["t"] = room
    layout["height"] = PLOT_HEIGHT + room
    layout["meta"] = {"controls": room}
    return layout


def _layout(title: str, x: str, y: str, *, ticks: Sequence[float] | None = None) -> dict[str, Any]:
    """Return a layout; with ``ticks`` the horizontal axis is logarithmic and has these."""
    return {
        "template": "none",
        "width": WIDTH,
        "margin": {"l": 65, "r": 50, "b": BELOW},
        "title": {"text": title, "font": {"size": 14}, "y": 0.98, "yanchor": "top"},
        "xaxis": {
            "title": {"text": x},
            "automargin": True,
            "fixedrange": True,
            "type": "log" if ticks else "linear",
            "tickvals": ticks,
        },
        "yaxis": {"title": {"text": y}, "fixedrange": True},
        "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
    }
