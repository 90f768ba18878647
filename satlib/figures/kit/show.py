"""How a figure reaches the reader: one object that JupyterLab and the built book both know how to draw.

Every figure must come with alternative text. A matplotlib figure becomes a PNG whose plain-text form is that
text (``book/_ext/alternative_text.py`` puts it into the page), and a GIF of the same for a narrow screen, which the
page shows there (``book/_ext/two_layouts.py``) and JupyterLab leaves aside. A plotly figure becomes its MIME type,
which JupyterLab draws, and a small piece of HTML with the figure's JSON, which ``book/_static/plots.js`` draws in
the published page.
"""

import base64
import io
import json
from collections.abc import Callable
from html import escape
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from PIL import Image, ImageChops
from plotly.graph_objects import Figure as PlotlyFigure

from satlib.figures.kit.html_figure import alternative_text
from satlib.figures.kit.narrow import NARROW, narrowed
from satlib.figures.kit.style import styled

PLOTLY_MIME = "application/vnd.plotly.v1+json"
CSS_DPI = 100
"""CSS pixels to an inch of a figure."""

DENSITY = 1.8
"""Pixels of a PNG for each CSS pixel, for sharp text on dense screens."""

PAD = 5
"""CSS pixels that stay around a figure when its margins are cut off."""

MimeBundle = tuple[dict[str, Any], dict[str, Any]]


class Shown:
    """A figure and its alternative text; as the last value of a notebook cell it is displayed.

    Parameters
    ----------
    figure
        A matplotlib figure, or a plotly figure whose layout has a width and a height.
    alt
        What the figure shows, for readers who cannot see it.
    narrow
        A matplotlib figure of the same for a narrow screen, where :func:`satlib.figures.kit.narrow.narrowed` of the
        figure would not do.

    Raises
    ------
    ValueError
        If ``alt`` is blank, or a plotly figure has no size.
    """

    def __init__(self, figure: Figure | PlotlyFigure, alt: str, narrow: Figure | None = None) -> None:
        self.alt = alternative_text(alt)
        self.narrow = narrow
        if isinstance(figure, PlotlyFigure) and None in (figure.layout.width, figure.layout.height):
            raise ValueError("a plotly figure needs a width and a height in its layout")
        self.figure = figure

    def __repr__(self) -> str:
        """Return the alternative text."""
        return self.alt

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> MimeBundle:
        """Return the forms a front end may choose from, and their metadata; IPython's display protocol."""
        if isinstance(self.figure, PlotlyFigure):
            content = json.loads(self.figure.to_json())
            html = plotly_html(content, self.alt)
            return {PLOTLY_MIME: content, "text/html": html, "text/plain": self.alt}, {}
        data = png(self.figure)
        width = round(Image.open(io.BytesIO(data)).width / DENSITY)
        content = {"image/png": base64.b64encode(data).decode(), "text/plain": self.alt}
        if self.narrow is not None or self.figure.get_figwidth() > NARROW:
            content["image/gif"] = base64.b64encode(gif(self.narrow or narrowed(self.figure))).decode()
        return content, {"image/png": {"width": width}}


def show(figure: Figure | PlotlyFigure, *, alt: str, narrow: Figure | None = None) -> Shown:
    """Return ``figure`` ready to be displayed, with its alternative text; see :class:`Shown`."""
    return Shown(figure, alt, narrow)


def png(figure: Figure) -> bytes:
    """Return a matplotlib figure, whose inches are 100 CSS pixels, as a small PNG file without empty margins.

    It has DENSITY pixels for each CSS pixel. Beside a colour bar all colours stay, since they are values; other
    figures get the 256 most fitting ones.
    """
    stream, drawn = io.BytesIO(), _drawn(figure)
    if not figure.findobj(_has_colorbar):
        drawn = _in_few_colors(drawn)
    drawn.save(stream, format="PNG", optimize=True)
    return stream.getvalue()


def gif(figure: Figure) -> bytes:
    """Return a figure as :func:`png` draws it, in 256 colours, as a GIF file, which keeps them exactly."""
    stream = io.BytesIO()
    _in_few_colors(_drawn(figure)).save(stream, format="GIF")
    return stream.getvalue()


@styled
def _drawn(figure: Figure) -> Image.Image:
    """Return a figure without empty margins, DENSITY pixels for each CSS pixel."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DENSITY * CSS_DPI, bbox_inches="tight", pad_inches=PAD / CSS_DPI)
    return Image.open(stream).convert("RGB")


def _in_few_colors(drawn: Image.Image) -> Image.Image:
    return drawn.quantize(256, dither=Image.Dither.NONE)


def _has_colorbar(artist: Artist) -> bool:
    return isinstance(artist, ScalarMappable) and artist.colorbar is not None


@styled
def quick_png(figure: Figure) -> bytes:
    """Return a matplotlib figure as a PNG, soon: drawn once, one pixel for each CSS pixel, in all of its colours.

    Empty margins are cut off; what would lie outside of the figure is not seen.
    """
    figure.set_facecolor("white")
    figure.set_dpi(CSS_DPI)
    canvas = FigureCanvasAgg(figure)
    draw: Callable[[], None] = canvas.draw  # matplotlib leaves both without types
    buffer: Callable[[], memoryview] = canvas.buffer_rgba
    draw()
    drawn = Image.fromarray(np.asarray(buffer())).convert("RGB")
    left, upper, right, lower = ImageChops.invert(drawn).getbbox() or (0, 0, *drawn.size)
    kept = (max(0, left - PAD), max(0, upper - PAD), min(drawn.width, right + PAD), min(drawn.height, lower + PAD))
    stream = io.BytesIO()
    drawn.crop(kept).save(stream, format="PNG", compress_level=1)
    return stream.getvalue()


def plotly_html(content: dict[str, Any], alt: str) -> str:
    """Return the HTML of a plotly figure, given as its JSON value: a place to draw it, and the JSON itself.

    The place keeps the proportions of the figure at every width, so that nothing moves when it is drawn. Title and
    slider go outside it; ``layout.meta["controls"]`` is the height they had in the figure.
    """
    layout = content["layout"]
    width = layout["width"]
    height = layout["height"] - layout.get("meta", {}).get("controls", 0)
    text = escape(alt, quote=True)
    data = json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<figure class="plot" style="--plot-width: {width}px; --plot-ratio: {width} / {height}">'
        f'<div class="plot-canvas" role="img" aria-label="{text}"></div>'
        f'<script type="application/json">{data}</script>'
        f"<noscript><p>This figure is interactive and needs JavaScript. It shows: {text}</p></noscript>"
        "</figure>"
    )
