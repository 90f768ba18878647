"""A picture that shows an image from edge to edge, so that a place in it is a pixel: what explorers are clicked on."""

import io

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from satlib.figures.kit.show import CSS_DPI
from satlib.figures.kit.style import BLACK, pixels, styled

LONGER, SHORTER = 384, 48
"""CSS pixels of the longer side of the picture, and the least of the shorter one."""


def canvas(image: Tensor, *, alpha: float = 1.0) -> tuple[Figure, Axes]:
    """Return a figure that an image (3, H, W) fills: pixel (row, column) is at the axes' (column, row).

    The picture has the image's proportions, unless it would be narrower than SHORTER.
    """
    height, width = image.shape[1:]
    sides = [max(SHORTER, LONGER * n / max(height, width)) / CSS_DPI for n in (width, height)]
    figure = Figure(figsize=(sides[0], sides[1]))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.imshow(pixels(image), alpha=alpha, aspect="auto")
    ax.set_axis_off()
    return figure, ax


def star(ax: Axes, token: int, width: int) -> None:
    """Mark one token, in raster order, of an image of ``width`` tokens to a row."""
    ax.plot(token % width, token // width, "*", ms=13, color="white", markeredgecolor=BLACK, clip_on=False)


@styled
def edge_to_edge(figure: Figure) -> bytes:
    """Return a figure of :func:`canvas` as a PNG with nothing around it."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=CSS_DPI)
    return stream.getvalue()
