"""One look for all figures: colours that colour-blind readers can tell apart, sizes, and images as arrays.

The categorical colours are those of Okabe and Ito (2008); maps use viridis, whose lightness rises evenly.
Figures are drawn on white, which the book's dark mode keeps as a card: photographs must not be inverted.
"""

from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
CENTER = VERMILLION
SAMPLE = SKY

styled = rc_context(
    {
        "savefig.facecolor": "white",
        "font.size": 10,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "image.cmap": "viridis",
        "image.interpolation": "nearest",
        "legend.frameon": False,
    }
)
"""Decorator under which every matplotlib figure of this package is drawn."""

WIDTH = 7.6
"""Inches of a full-width figure."""


def panels(n: int, aspect: float, *, columns: int | None = None) -> tuple[Figure, list[Axes]]:
    """Return a figure of ``n`` equal panels, each of height / width = ``aspect``, in rows of ``columns``.

    Panels for very wide and very tall images keep a sensible shape and leave a margin. The figure belongs to nobody
    else: pyplot and its global state are not used.
    """
    n_columns = min(n, columns or n)
    n_rows = -(-n // n_columns)
    height = n_rows * (WIDTH / n_columns * min(max(aspect, 0.25), 3.0) + 0.3)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    for unused in axes[n:]:
        unused.set_axis_off()
    return figure, axes[:n]


def pixels(image: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return an image (3, H, W) in [0, 1] as (H, W, 3) uint8, clipped to that range.

    Raises
    ------
    ValueError
        If the image has another shape.
    """
    if image.ndim != 3 or image.shape[0] != 3:
        raise ValueError(f"image must be (3, H, W), got {tuple(image.shape)}")
    scaled = image.detach().cpu().double().clamp(0, 1).mul(255).round()
    return scaled.permute(1, 2, 0).numpy().astype(np.uint8)


def show_image(ax: Axes, image: Tensor, title: str, *, alpha: float = 1.0) -> None:
    """Draw an image (3, H, W) without ticks, under a title."""
    ax.imshow(pixels(image), alpha=alpha)
    frame_off(ax, title)


def frame_off(ax: Axes, title: str) -> None:
    """Remove ticks and frame of a panel and set its title."""
    ax.set_title(title)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
