"""Outputs side by side, pixel by pixel (Figs. B and C): sheets of crops, and gain against detail.

Crops are shown enlarged without interpolation: a page of HTML holds their own pixels and lets the browser repeat each
of them a whole number of times. Images are (H, W, 3) uint8.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from PIL import Image

from satlib.evaluation.crops import Box, Pixels, Square, cut
from satlib.figures.kit.html_figure import HtmlFigure
from satlib.figures.kit.layout import GRAY, plot_layout
from satlib.figures.kit.style import BLUE, VERMILLION

FRAME = (213, 94, 0)
"""Vermillion, as the frame in a photograph."""

WIDTH, HEIGHT, TITLE = 640, 420, 40
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


class Row(NamedTuple):
    """One line of a sheet: its heading, and images of one size by their caption."""

    title: str
    images: Mapping[str, Pixels]


class Sheet(HtmlFigure):
    """Rows of images, each pixel enlarged to ``zoom`` x ``zoom``; as the last value of a cell it is displayed.

    Parameters
    ----------
    rows
        What is shown, at least one image.
    zoom
        How often each pixel is repeated, in CSS pixels; 1 or more.
    alt
        What the sheet shows, for readers who cannot see it. Each image is described by heading and caption besides.
    folded
        What the sheet lies folded under, to be opened by a click; ``None`` where it is seen at once.

    Raises
    ------
    ValueError
        If ``alt`` is blank, ``zoom`` is below 1 or there is no image.
    """

    def __init__(self, rows: Sequence[Row], *, zoom: int, alt: str, folded: str | None = None) -> None:
        super().__init__(alt)
        if zoom < 1:
            raise ValueError(f"zoom must be at least 1, got {zoom}")
        if not any(row.images for row in rows):
            raise ValueError("a sheet needs at least one image")
        self.rows, self.zoom, self.folded = tuple(rows), zoom, folded

    def html(self) -> str:
        """Return the sheet as HTML that needs nothing else; the book's style makes images narrower on a phone."""
        rows = "".join(_row(row, self.zoom) for row in self.rows)
        sheet = f'<div class="sheet" role="group" aria-label="{escape(self.alt, quote=True)}">{rows}</div>'
        if self.folded is None:
            return sheet
        return f"<details><summary>{escape(self.folded)}</summary>{sheet}</details>"


def _row(row: Row, zoom: int) -> str:
    panels = "".join(_panel(row.title, caption, image, zoom) for caption, image in row.images.items())
    return (
        f'<p style="margin:0.8rem 0 0.2rem"><strong>{escape(row.title)}</strong></p>'
        f'<div style="display:flex;flex-wrap:wrap;gap:0.5rem;align-items:flex-start">{panels}</div>'
    )


def _panel(title: str, caption: str, image: Pixels, zoom: int) -> str:
    width, height = image.shape[1] * zoom, image.shape[0] * zoom
    alt = escape(f"{title}: {caption}", quote=True)
    style = "image-rendering:pixelated;min-width:0;max-width:none;padding:0;border-radius:0;margin:0"
    return (
        f'<div class="panel" style="width:{width}px">'
        f'<img src="{_png(image)}" alt="{alt}" width="{width}" height="{height}" '
        f'style="width:{width}px;height:{height}px;{style}">'
        f'<div style="font-size:0.8em;line-height:1.3">{escape(caption)}</div></div>'
    )


def _png(image: Pixels) -> str:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def framed(image: Pixels, box: Box, *, width: int = 2) -> Pixels:
    """Return a copy of an image with a frame of ``width`` pixels around a box, outside it as far as there is room.

    Raises
    ------
    ValueError
        If the box does not lie in the image.
    """
    cut(image, box)
    top, left, side = box
    drawn = image.copy()
    rows, columns = (slice(max(start - width, 0), start + side + width) for start in (top, left))
    drawn[rows, columns] = FRAME
    inside = slice(top, top + side), slice(left, left + side)
    drawn[inside] = image[inside]
    return drawn


def gain_dots(squares: Mapping[str, Sequence[Square]], *, note: str) -> go.Figure:
    """Draw the gain of one output over another in each square, against the energy of the gradient there.

    Parameters
    ----------
    squares
        By photograph; those without a gradient, or without error in one of the outputs, are left out.
    note
        A line of text above the figure.

    Raises
    ------
    ValueError
        If no square is left.
    """
    dots = [(name, s) for name, found in squares.items() for s in found if s.energy > 0 and np.isfinite(s.gain)]
    if not dots:
        raise ValueError("there is no square with a gradient and an error in both outputs")
    trace = go.Scatter(
        x=[_short(s.energy**0.5) for _, s in dots],
        y=[_short(s.gain) for _, s in dots],
        text=[f"{name}, row {s.box[0]}, column {s.box[1]}" for name, s in dots],
        mode="markers",
        showlegend=False,
        marker={
            "size": 7,
            "color": [VERMILLION if s.gain < 0 else BLUE for _, s in dots],
            "symbol": ["x" if s.gain < 0 else "circle" for _, s in dots],
        },
        hovertemplate="%{text}: %{y:+.2f} dB<extra></extra>",
    )
    return go.Figure(data=[trace, _zero(trace.x)], layout=_layout(note))


def _zero(x: npt.ArrayLike) -> go.Scatter:
    ends = [float(np.min(x)), float(np.max(x))]
    return go.Scatter(
        x=ends, y=[0, 0], mode="lines", showlegend=False, hoverinfo="skip", line={"color": GRAY, "width": 1}
    )


def _layout(note: str) -> dict[str, Any]:
    across = {
        "title": {"text": "gradient of Y, root mean square, levels a pixel"},
        "type": "log",
        "tickvals": TICKS,
        "zeroline": False,
    }
    up = {"title": {"text": "gain, dB"}, "zeroline": False}
    margins = (60, 15, TITLE + 10, 55)
    return plot_layout((WIDTH, HEIGHT), margins, controls=TITLE, title=note, x=across, y=up)


def _short(value: float) -> float:
    """Return the value to four digits, so that the page stays small."""
    return float(f"{value:.4g}")
