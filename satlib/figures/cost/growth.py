"""How time and memory grow with the image, as plotly lines of what was measured (`satlib.results.timings`).

Names stand at the lines. The dense form is vermillion with circles, satlib blue with squares; a layer is dotted, a
network solid. Figures are narrow and high, so that they read on a phone.
"""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from satlib.figures.cost.speed import COLORS, TITLE, WAYS, WIDTH
from satlib.figures.kit.layout import GRAY, plot_layout
from satlib.results.timings import Line

HEIGHT = 520
RIGHT = 5.8
"""Where the axis of tokens ends, as a power of ten: names need room."""

BELOW = 1.2
"""How many times the smallest value the lines of slope 1 and 2 begin at, below all others."""

Places = Mapping[tuple[str, str], tuple[int, str]]
"""At which number of tokens a line has its name, by subject and way, and on which side of the point."""

TIME: Places = {
    ("network", "dense"): (16384, "top left"),
    ("network", "ours"): (65536, "top left"),
    ("SAA layer", "dense"): (4096, "top left"),
    ("SAA layer", "ours"): (16384, "bottom right"),
}
MEMORY: Places = {
    ("network", "dense"): (4096, "top left"),
    ("network", "ours"): (65536, "middle right"),
    ("SAA layer", "dense"): (32768, "top left"),
    ("SAA layer", "ours"): (16384, "bottom right"),
}


def time_lines(lines: Sequence[Line], clock: str = "CPU seconds") -> go.Figure:
    """Draw seconds against tokens on log axes, with the slopes of N and of N² for comparison."""
    return _lines(lines, [line.seconds for line in lines], clock, "%{y:.3g} s", TIME)


def memory_lines(lines: Sequence[Line]) -> go.Figure:
    """Draw the growth of the process at its peak, in MB, against tokens on log axes."""
    values = [[b / 1e6 for b in line.n_bytes] for line in lines]
    return _lines(lines, values, "MB at the peak", "%{y:,.3g} MB", MEMORY)


def _lines(
    lines: Sequence[Line], values: Sequence[Sequence[float]], title: str, hover: str, places: Places
) -> go.Figure:
    dashes = dict(zip(dict.fromkeys(line.subject for line in lines), ("dot", "solid"), strict=False))
    drawn = [
        _named(
            line, y, dashes[line.subject], hover, places.get((line.subject, line.way), (line.tokens[-1], "top left"))
        )
        for line, y in zip(lines, values, strict=True)
    ]
    tokens = max((line.tokens for line in lines), key=len)
    start = BELOW * min(min(y) for y in values)
    slopes = [_slope(tokens[-4:], power, start) for power in (1, 2)]
    layout = plot_layout((WIDTH, HEIGHT), (15, 15, TITLE, 45), controls=TITLE, title=f"{title} against the tokens")
    ticks = [n for n in tokens if n.bit_length() % 2]
    layout["xaxis"] |= {
        "type": "log",
        "title": {"text": "tokens N"},
        "tickvals": ticks,
        "ticktext": [f"{n:,}" for n in ticks],
        "range": [2.35, RIGHT],
    }
    layout["yaxis"] |= {"type": "log", "exponentformat": "power", "dtick": 1, "title": {"text": title, "standoff": 12}}
    return go.Figure(data=[*drawn, *slopes], layout=layout | {"showlegend": False})


def _named(line: Line, y: Sequence[float], dash: str, hover: str, place: tuple[int, str]) -> go.Scatter:
    """Return a line with its name at one of its points; at the last one, if it ends before."""
    name, (at, side) = f"{line.subject}, {WAYS[line.way]}", place
    at = at if at in line.tokens else line.tokens[-1]
    return go.Scatter(
        x=line.tokens,
        y=y,
        name=name,
        mode="lines+markers+text",
        text=[name.replace(", ", ",<br>") if n == at else "" for n in line.tokens],
        textposition=side,
        cliponaxis=False,
        line={"color": COLORS[line.way], "dash": dash},
        marker={"symbol": "circle" if line.way == "dense" else "square", "size": 7},
        hovertemplate=f"%{{x:,}} tokens: {hover}",
    )


def _slope(tokens: Sequence[int], power: int, start: float) -> go.Scatter:
    """Return a line of slope ``power`` that starts at the height ``start``, with its name at the end."""
    name = "N" if power == 1 else "N²"
    return go.Scatter(
        x=tokens,
        y=[start * (n / tokens[0]) ** power for n in tokens],
        name=name,
        mode="lines+text",
        text=[""] * (len(tokens) - 1) + [f"like {name}"],
        textposition="middle right",
        cliponaxis=False,
        line={"color": GRAY, "width": 1, "dash": "dash" if power == 1 else "longdashdot"},
        hoverinfo="skip",
    )
