"""What one pixel reads in a local block, over the image, and beside it the position bias of what it reads."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from satlib.figures.dta.idea import faded
from satlib.figures.explorers.pixels import canvas, star
from satlib.figures.kit.style import BLUE, VERMILLION, frame_off, styled

HIDDEN = "0.35"
"""The grey of pixels that the mask hides."""


@styled
def windows_on_image(image: Tensor, read: Tensor, hidden: Tensor, token: int) -> Figure:
    """Draw the pixels that a token reads in full colour, those that the mask hides in grey, and lines around both.

    Parameters
    ----------
    image
        (3, H, W) in [0, 1].
    read
        (2, N) bool, what is read in the wide window and in the high one; their lines are blue and dashed orange.
    hidden
        (N,) bool, what is in one of the windows, brought there by the shift alone.
    token
        The one that reads; a star marks it.
    """
    figure, ax = canvas(faded(image, read.any(0)))
    shape = image.shape[1:]
    mask = np.ma.masked_equal(hidden.view(shape).numpy().astype(float), 0)
    ax.imshow(mask, cmap="gray", vmin=0, vmax=1 / float(HIDDEN), aspect="auto")
    for own, color, style in zip(read, (BLUE, VERMILLION), ("-", "--"), strict=True):
        _edges(ax, own.view(shape), color, style)
    star(ax, token, image.shape[2])
    return figure


def _edges(ax: Axes, inside: Tensor, color: str, style: str) -> None:
    """Draw a line around the pixels of a map (H, W) that are true."""
    rows, columns = (inside[1:] != inside[:-1]).nonzero().T.numpy()
    ax.hlines(rows + 0.5, columns - 0.5, columns + 0.5, color=color, linestyle=style, linewidth=2)
    rows, columns = (inside[:, 1:] != inside[:, :-1]).nonzero().T.numpy()
    ax.vlines(columns + 0.5, rows - 0.5, rows + 0.5, color=color, linestyle=style, linewidth=2)


@styled
def bias_beside(bias: Tensor, token: int) -> Figure:
    """Draw the bias (H, W) that one head adds for each pixel that is read, minus its mean; NaN where nothing is read.

    The mean is left out because the softmax ignores it.
    """
    height, width = bias.shape
    figure = Figure(figsize=(4, min(8.0, max(0.5, 4 * height / width)) + 0.9), layout="constrained")
    ax = figure.subplots()
    centred = (bias - bias.nanmean()).numpy()
    limit = float(np.nanmax(np.abs(centred))) or 1.0
    ax.set_facecolor("0.9")
    shown = ax.imshow(centred, cmap="PuOr_r", vmin=-limit, vmax=limit)
    frame_off(ax, "position bias of the head, minus its mean")
    star(ax, token, width)
    figure.colorbar(shown, ax=ax, location="bottom", shrink=0.9, aspect=30, pad=0.02)
    return figure
