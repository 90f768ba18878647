"""Plotly lines with intervals, and a slider over several sets of them where a reader may turn a knob.

Figures are narrow and high, so that they read on a phone. Colours, symbols and dashes all tell the lines apart.
"""

from collections.abc import Mapping, Sequence
from math import log10
from typing import Any, NamedTuple

import plotly.graph_objects as go

from satlib.figures.kit.layout import GRAY, plot_layout
from satlib.figures.kit.sliders import frame_slider
from satlib.figures.kit.style import BLUE, GREEN, ORANGE, PURPLE, VERMILLION

WIDTH, HEIGHT = 480, 400
STANDOFF = 12
"""Pixels between an axis' numbers and its title."""

CONTROLS, TITLE = 80, 40
"""Pixels of a figure's height that its title takes with a slider and without; a page draws both outside."""

STYLES = (
    (VERMILLION, "circle", "solid"),
    (BLUE, "square", "dash"),
    (GREEN, "diamond", "dot"),
    (PURPLE, "triangle-up", "dashdot"),
    (ORANGE, "cross", "longdash"),
)


class Series(NamedTuple):
    """One line."""

    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    """Lower ends of intervals, one for each point; none if empty."""
    high: Sequence[float] = ()
    reference: bool = False
    """A grey dashed line without marks, over the others, to compare them with."""


class Axis(NamedTuple):
    """What an axis shows."""

    title: str
    log: bool = False
    span: tuple[float, float] | None = None
    """Lowest and highest value shown; all values if ``None``."""
    digits: str = ".3g"
    """Format of a value under the pointer."""


def lines(series: Mapping[str, Series], *, x: Axis, y: Axis, note: str) -> go.Figure:
    """Draw lines by name, under a line of text.

    Raises
    ------
    ValueError
        If there are more lines to tell apart than styles.
    """
    return go.Figure(data=_drawn(series, x, y), layout=_layout({"": series}, x, y, note, TITLE))


def lines_slider(
    steps: Mapping[str, Mapping[str, Series]], *, name: str, start: str, notes: Mapping[str, str], x: Axis, y: Axis
) -> go.Figure:
    """Draw lines by name, with a slider over several sets of them.

    Parameters
    ----------
    steps
        The lines, by the label of the slider's step; the same names in each step.
    name, start
        What the slider changes, and the label where it stands at first.
    notes
        A line of text for each label, shown above the figure.
    x, y
        The axes, the same in all steps.

    Raises
    ------
    ValueError
        If ``start`` is not a label, the labels of the notes or the names of the lines differ, or there are too many.
    """
    if start not in steps or notes.keys() != steps.keys():
        raise ValueError(f"start {start!r} and the notes {list(notes)} must fit the labels {list(steps)}")
    if len({tuple(series) for series in steps.values()}) != 1:
        raise ValueError(f"every step must have the same lines, got {[list(series) for series in steps.values()]}")
    layout = _layout(steps, x, y, notes[start], CONTROLS)
    layout["sliders"] = [frame_slider(list(steps), name, start)]
    frames = [
        go.Frame(name=label, data=_drawn(series, x, y), layout={"title": {"text": notes[label]}})
        for label, series in steps.items()
    ]
    return go.Figure(data=_drawn(steps[start], x, y), layout=layout, frames=frames)


def _drawn(series: Mapping[str, Series], x: Axis, y: Axis) -> list[go.Scatter]:
    told_apart = [name for name, line in series.items() if not line.reference]
    if len(told_apart) > len(STYLES):
        raise ValueError(f"up to {len(STYLES)} lines can be told apart, got {told_apart}")
    hover = f"%{{x:{x.digits}}}: %{{y:{y.digits}}}"
    styles = dict(zip(told_apart, STYLES, strict=False))
    on_top = sorted(series.items(), key=lambda item: item[1].reference)
    return [_trace(name, line, styles.get(name), hover) for name, line in on_top]


def _trace(name: str, line: Series, style: tuple[str, str, str] | None, hover: str) -> go.Scatter:
    values = {"x": list(line.x), "y": [_short(value) for value in line.y], "name": name}
    if style is None:
        return go.Scatter(mode="lines", line={"color": GRAY, "width": 2.5, "dash": "dash"}, hoverinfo="skip", **values)
    color, symbol, dash = style
    error = None
    if line.low and line.high:
        upper = [_short(high - mean) for high, mean in zip(line.high, line.y, strict=True)]
        lower = [_short(mean - low) for low, mean in zip(line.low, line.y, strict=True)]
        error = {"type": "data", "array": upper, "arrayminus": lower, "thickness": 1.2, "width": 3}
    return go.Scatter(
        mode="lines+markers" if len(line.x) <= 40 else "lines",
        line={"color": color, "dash": dash},
        marker={"symbol": symbol, "size": 8},
        error_y=error,
        hovertemplate=hover,
        **values,
    )


def _short(value: float) -> float:
    """Return the value to five digits, so that the page stays small."""
    return float(f"{value:.5g}")


def _layout(steps: Mapping[str, Mapping[str, Series]], x: Axis, y: Axis, note: str, controls: int) -> dict[str, Any]:
    every = [line for series in steps.values() for line in series.values()]
    across = [value for line in every for value in line.x]
    up = [value for line in every for value in (*line.y, *line.low, *line.high)]
    margins = (15, 15, controls, 50)
    across_axis, up_axis = _axis(x, across), _axis(y, up)
    return plot_layout((WIDTH, HEIGHT), margins, controls=controls, title=note, x=across_axis, y=up_axis) | {
        "showlegend": True
    }


def _axis(axis: Axis, values: Sequence[float]) -> dict[str, Any]:
    """Return a plotly axis over all values, with a margin, the same for every step of a slider."""
    title = {"text": axis.title, "standoff": STANDOFF}
    drawn: dict[str, Any] = {"title": title, "zeroline": False}
    low, high = axis.span or (min(value for value in values if value > 0 or not axis.log), max(values))
    if axis.log:
        return drawn | {
            "type": "log",
            "range": [log10(low) - 0.05, log10(high) + 0.05],
            "dtick": 1,
            "exponentformat": "power",
        }
    margin = 0 if axis.span else 0.04 * (high - low or 1)
    return drawn | {"range": [low - margin, high + margin]}
