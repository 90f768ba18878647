"""Plotly figures with a slider: the reader turns a knob in the published page, without Python behind it."""

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image
from torch import Tensor

from satlib.dta import Aggregation
from satlib.figures.centers import check_single
from satlib.figures.style import BLUE, CENTER, pixels

WIDTH, SIDE = 480, 15
LEGEND = 40
CONTROLS = 120
"""Pixels of a figure's height that title and slider take; a page draws these outside, see ``plots.js``."""

INSTANTLY = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}


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
    if start not in results or notes.keys() != results.keys():
        raise ValueError(f"start {start!r} and the notes {list(notes)} must fit the labels {list(results)}")
    for result in results.values():
        check_single(image, result)
    layout = _layout(image, notes[start])
    layout["sliders"] = [frame_slider(list(results), name, start)]
    frames = [
        go.Frame(name=label, data=_traces(result, image.shape[2]), layout={"title": {"text": notes[label]}})
        for label, result in results.items()
    ]
    return go.Figure(data=_traces(results[start], image.shape[2]), layout=layout, frames=frames)


def _traces(result: Aggregation, width: int) -> list[go.Scatter]:
    return [
        _dots(result.sample[0], width, f"sampled ({result.sample.shape[1]:,})", BLUE, 3.5, 0),
        _dots(result.centers[0], width, f"centres ({result.centers.shape[1]:,})", CENTER, 7, 0.5),
    ]


def _dots(tokens: Tensor, width: int, name: str, colour: str, size: float, edge: float) -> go.Scatter:
    """Return dots on tokens (S,) in raster order; positions as 16-bit integers keep the page small."""
    row, column = (t.numpy().astype(np.int16) for t in (tokens // width, tokens % width))
    return go.Scatter(
        x=column, y=row, mode="markers", name=name,
        marker={"size": size, "color": colour, "line": {"color": "white", "width": edge}},
        hovertemplate="row %{y}, column %{x}",
    )  # fmt: skip


def frame_slider(labels: list[str], name: str, start: str) -> dict[str, Any]:
    """Return a plotly slider that goes through the frames of these labels, from ``start``; ``name`` is its knob's."""
    return {
        "active": labels.index(start),
        "currentvalue": {"prefix": f"{name} = "},
        "steps": [{"label": label, "method": "animate", "args": [[label], INSTANTLY]} for label in labels],
    }


def _layout(image: Tensor, title: str) -> dict[str, Any]:
    """Return a layout with the image behind square axes and room for title, legend and slider."""
    height, width = image.shape[1:]
    backdrop = {
        "source": png_uri(image), "xref": "x", "yref": "y", "x": -0.5, "y": -0.5,
        "sizex": width, "sizey": height, "layer": "below", "sizing": "stretch", "opacity": 0.55,
    }  # fmt: skip
    hidden = {"visible": False, "fixedrange": True}
    return {
        "template": "none",
        "width": WIDTH,
        "height": round((WIDTH - 2 * SIDE) * height / width) + LEGEND + CONTROLS,
        "meta": {"controls": CONTROLS},
        "margin": {"l": SIDE, "r": SIDE, "t": 40, "b": 20},
        "title": {"text": title, "font": {"size": 14}},
        "images": [backdrop],
        "xaxis": {"range": [-0.5, width - 0.5], "constrain": "domain", **hidden},
        "yaxis": {"range": [height - 0.5, -0.5], "scaleanchor": "x", "constrain": "domain", **hidden},
        "legend": {"orientation": "h", "y": 0, "yanchor": "top", "font": {"size": 14}},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "white",  # the pale backdrop is pale in dark mode, too
    }


def png_uri(image: Tensor) -> str:
    """Return an image (3, H, W) as a data URI that holds a PNG."""
    stream = io.BytesIO()
    Image.fromarray(pixels(image)).save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
