"""Plotly figures that lie over an image: one of several pictures or drawings, or how much each pixel is read."""

import io
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor
from torch.nn import functional

from satlib.figures.kit.sliders import WIDTH, check_labels, pixel_layout, png_uri, with_slider
from satlib.figures.kit.style import BLACK, styled

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


def figure_slider(figures: Mapping[str, Figure], *, name: str, start: str, notes: Mapping[str, str]) -> go.Figure:
    """Show one of several matplotlib figures, about as large as each other, with a slider over them.

    Empty margins are cut off; smaller figures get white ones at the right and below. ``name``, ``start`` and ``notes``
    are those of :func:`picture_slider`; the keys are the labels.

    Raises
    ------
    ValueError
        If ``start`` is not a label, or the labels of the notes differ.
    """
    check_labels(figures, start, notes)
    tight = {label: _drawn(figure) for label, figure in figures.items()}
    height, width = (max(one.shape[axis] for one in tight.values()) for axis in (1, 2))
    drawn = {
        label: functional.pad(one, (0, width - one.shape[2], 0, height - one.shape[1]), value=1.0)
        for label, one in tight.items()
    }
    traces = {label: [go.Image(source=png_uri(one), zsmooth="fast", hoverinfo="skip")] for label, one in drawn.items()}
    return with_slider(traces, pixel_layout(height, width), name, start, notes)


@styled
def _drawn(figure: Figure) -> Tensor:
    """Return a figure without its margins, (3, H, W) in [0, 1]: about two pixels for each pixel of the page."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=2 * WIDTH / figure.get_figwidth(), bbox_inches="tight", pad_inches=0.05)
    pixels = np.asarray(Image.open(stream).convert("RGB"))
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1) / 255


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
