"""Plotly figures with a slider: the reader turns a knob in the published page, without Python behind it."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from PIL import Image
from torch import Tensor

from satlib.dta.aggregation import Aggregation
from satlib.figures.dta.centers import check_single
from satlib.figures.kit.layout import plot_layout
from satlib.figures.kit.style import BLUE, CENTER, pixels

WIDTH, SIDE = 480, 15
LEGEND = 40
CONTROLS = 120
"""Pixels of a figure's height that title and slider take; a page draws these outside, see ``plots.js``."""

INSTANTLY = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}


class Dots(NamedTuple):
    """One kind of dots of a figure."""

    tokens: Tensor
    """(S,) positions in raster order."""
    name: str
    color: str
    size: float
    edge: float
    """Width of the white edge."""
    symbol: str = "circle"
    """One of plotly's marker symbols."""


def selection_slider(
    image: Tensor, results: Mapping[str, Aggregation], *, name: str, start: str, notes: Mapping[str, str]
) -> go.Figure:
    """Draw the sampled tokens and the centres over the image, with a slider over several choices.

    Parameters
    ----------
    image
        (3, H, W) in [0, 1].
    results
        What DTA chose on that image, by the label of the slider's step.
    name, start
        What the slider changes, and the label where it stands at first.
    notes
        A line of text for each label, shown above the figure.

    Raises
    ------
    ValueError
        If a result does not fit the image, ``start`` is not a label, or the labels of the notes differ.
    """
    for result in results.values():
        check_single(image, result)
    steps = {
        label: [
            Dots(result.sample[0], f"sampled ({result.sample.shape[1]:,})", BLUE, 3.5, 0),
            Dots(result.centers[0], f"centres ({result.centers.shape[1]:,})", CENTER, 7, 0.5),
        ]
        for label, result in results.items()
    }
    return dots_slider(image, steps, name=name, start=start, notes=notes)


def dots_slider(
    image: Tensor, steps: Mapping[str, Sequence[Dots]], *, name: str, start: str, notes: Mapping[str, str]
) -> go.Figure:
    """Draw dots on tokens of the image (3, H, W), with a slider over several sets of them.

    ``steps`` holds the sets by the label of the slider's step, each with equally many kinds of dots; ``name``,
    ``start`` and ``notes`` are those of :func:`selection_slider`.

    Raises
    ------
    ValueError
        If ``start`` is not a label, the labels of the notes differ, or the steps have different numbers of kinds.
    """
    check_labels(steps, start, notes)
    if len({len(kinds) for kinds in steps.values()}) != 1:
        raise ValueError(f"every step must have as many kinds of dots, got {[len(k) for k in steps.values()]}")
    width = image.shape[2]
    drawn = {label: [_scatter(kind, width) for kind in kinds] for label, kinds in steps.items()}
    return with_slider(drawn, _layout(image), name, start, notes)


def _scatter(dots: Dots, width: int) -> go.Scatter:
    """Return dots on tokens (S,) in raster order; positions as 16-bit integers keep the page small."""
    row, column = (t.numpy().astype(np.int16) for t in (dots.tokens // width, dots.tokens % width))
    return go.Scatter(
        x=column,
        y=row,
        mode="markers",
        name=dots.name,
        marker={
            "size": dots.size,
            "color": dots.color,
            "symbol": dots.symbol,
            "line": {"color": "white", "width": dots.edge},
        },
        hovertemplate="row %{y}, column %{x}",
    )


def check_labels(steps: Mapping[str, object], start: str, notes: Mapping[str, str]) -> None:
    """Raise ValueError unless ``start`` and the labels of the notes are those of the steps."""
    if start not in steps or notes.keys() != steps.keys():
        raise ValueError(f"start {start!r} and the notes {list(notes)} must fit the labels {list(steps)}")


def with_slider(
    traces: Mapping[str, list[Any]], layout: dict[str, Any], name: str, start: str, notes: Mapping[str, str]
) -> go.Figure:
    """Return a figure of this layout with a frame for each label, its note as title, and a slider over them."""
    frames = [
        go.Frame(name=label, data=data, layout={"title": {"text": notes[label]}}) for label, data in traces.items()
    ]
    layout |= {
        "title": {"text": notes[start], "font": {"size": 14}},
        "sliders": [frame_slider(list(traces), name, start)],
    }
    return go.Figure(data=traces[start], layout=layout, frames=frames)


def frame_slider(labels: list[str], name: str, start: str) -> dict[str, Any]:
    """Return a plotly slider that goes through the frames of these labels, from ``start``; ``name`` is its knob's."""
    return {
        "active": labels.index(start),
        "currentvalue": {"prefix": f"{name} = "},
        "steps": [{"label": label, "method": "animate", "args": [[label], INSTANTLY]} for label in labels],
    }


def pixel_layout(height: int, width: int, *, right: int = 0) -> dict[str, Any]:
    """Return a layout for an image of ``height`` by ``width`` square pixels, with room for title and slider.

    ``right`` are pixels of the figure beside it, for a colour bar.
    """
    across = {"range": [-0.5, width - 0.5], "constrain": "domain", "visible": False}
    down = {"range": [height - 0.5, -0.5], "scaleanchor": "x", "constrain": "domain", "visible": False}
    size = (WIDTH + right, round(WIDTH * height / width))
    # What is pale stays pale in dark mode.
    return plot_layout(size, (0, right, 40, 0), controls=CONTROLS, x=across, y=down, background="white")


def _layout(image: Tensor) -> dict[str, Any]:
    """Return a layout with the image, pale, behind square axes, and room for a legend."""
    height, width = image.shape[1:]
    backdrop = {
        "source": png_uri(image),
        "xref": "x",
        "yref": "y",
        "x": -0.5,
        "y": -0.5,
        "sizex": width,
        "sizey": height,
        "layer": "below",
        "sizing": "stretch",
        "opacity": 0.55,
    }
    return pixel_layout(height, width) | {
        "height": round((WIDTH - 2 * SIDE) * height / width) + LEGEND + CONTROLS,
        "margin": {"l": SIDE, "r": SIDE, "t": 40, "b": 20},
        "images": [backdrop],
        "legend": {"orientation": "h", "y": 0, "yanchor": "top", "font": {"size": 14}},
    }


def png_uri(image: Tensor) -> str:
    """Return an image (3, H, W) as a data URI that holds a PNG."""
    stream = io.BytesIO()
    Image.fromarray(pixels(image)).save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
