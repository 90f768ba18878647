"""Plotly figures that lie over an image: one of several pictures, or how much each pixel is read, with a slider."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from satlib.figures.kit.sliders import check_labels, pixel_layout, png_uri, with_slider
from satlib.figures.kit.style import BLACK

COLORBAR = 75
"""Pixels of a figure's width that a colour bar takes."""

LIMIT = 3
"""Doublings and halvings that the colours of :func:`reading_slider` span."""


def picture_slider(images: Mapping[str, Tensor], *, name: str, start: str, notes: Mapping[str, str]) -> go.Figure:
    """Draw one of several images (3, H, W) of one shape, with a slider over them.

    Parameters
    ----------
    images
        By the label of the slider's step.
    name, start
        What the slider changes, and the label where it stands at first.
    notes
        A line of text for each label, shown above the figure.

    Raises
    ------
    ValueError
        If ``start`` is not a label, or the labels of the notes or the shapes of the images differ.
    """
    shape = _one_shape(images, start, notes)
    traces = {
        label: [go.Image(source=png_uri(image), hovertemplate="row %{y}, column %{x}<extra></extra>")]
        for label, image in images.items()
    }
    return with_slider(traces, pixel_layout(shape[1], shape[2]), name, start, notes)


def reading_slider(
    readings: Mapping[str, Tensor], query: tuple[int, int], *, name: str, start: str, notes: Mapping[str, str]
) -> go.Figure:
    """Draw how much a query reads each pixel, against reading all alike, with a slider over several readings.

    Parameters
    ----------
    readings
        (H, W), weights that sum to 1, by the label of the slider's step. Orange is read more than on average, purple
        less, by up to LIMIT doublings.
    query
        Row and column of the query, marked by a star.
    name, start, notes
        As in :func:`picture_slider`.

    Raises
    ------
    ValueError
        If ``start`` is not a label, or the labels of the notes or the shapes of the readings differ.
    """
    height, width = _one_shape(readings, start, notes)
    star = go.Scatter(
        x=[query[1]],
        y=[query[0]],
        mode="markers",
        showlegend=False,
        hovertemplate="the query<extra></extra>",
        marker={"symbol": "star", "size": 16, "color": "white", "line": {"color": BLACK, "width": 1.5}},
    )
    traces = {label: [_doublings(weight), star] for label, weight in readings.items()}
    return with_slider(traces, pixel_layout(height, width, right=COLORBAR), name, start, notes)


def _doublings(weight: Tensor) -> go.Heatmap:
    """Return a map of log2 of weights (H, W) over their mean; tenths keep the page small."""
    doublings = (weight * weight.numel()).clamp_min(2.0**-12).log2().cpu().numpy()
    steps = range(-LIMIT, LIMIT + 1)
    return go.Heatmap(
        z=np.rint(10 * doublings).clip(-120, 120).astype(np.int8),
        zmin=-10 * LIMIT,
        zmax=10 * LIMIT,
        colorscale="PuOr_r",
        hovertemplate="row %{y}, column %{x}<extra></extra>",
        colorbar={
            "thickness": 14,
            "x": 1.01,
            "xpad": 0,
            "tickvals": [10 * n for n in steps],
            "ticktext": [f"1/{2**-n}" if n < 0 else str(2**n) for n in steps],
            "title": {"text": "× mean", "font": {"size": 11}},
        },
    )


def _one_shape(values: Mapping[str, Tensor], start: str, notes: Mapping[str, str]) -> tuple[int, ...]:
    """Return the shape that all values have, after checking the labels."""
    check_labels(values, start, notes)
    shapes = {tuple(value.shape) for value in values.values()}
    if len(shapes) != 1:
        raise ValueError(f"all must have one shape, got {sorted(shapes)}")
    return next(iter(shapes))
