"""The pictures of "One token's journey": the photograph, the token in it, and what it meets at each step.

A picture is 330 CSS pixels wide, so that words stand beside it. The token is a star in all of them.
"""

import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from torch import Tensor

from satlib.figures.kit.show import Shown, show
from satlib.figures.kit.style import BLACK, BLUE, CENTER, show_image, styled

WIDTH = 3.3
"""Of a picture, in hundreds of CSS pixels."""

PALE = 0.3
"""What remains of the colours of pixels that do not take part."""


def scene(
    image: Tensor,
    token: int,
    title: str,
    *,
    alt: str,
    lit: Tensor | None = None,
    dots: Tensor | None = None,
    goal: int | None = None,
    reach: int | None = None,
) -> Shown:
    """Return the photograph with the token in it.

    Parameters
    ----------
    image, token
        (3, H, W) in [0, 1], and the position of the token in raster order.
    title, alt
        A line above the picture, and what there is to see, for readers who cannot see it.
    lit
        (N,) bool: all other pixels are pale.
    dots
        Positions of tokens that are marked.
    goal
        Position of a token that an arrow leads to.
    reach
        Pixels around the token that are shown, on each side; all of them without it.

    Raises
    ------
    ValueError
        If ``lit`` does not fit the image.
    """
    if lit is not None and lit.shape != (image[0].numel(),):
        raise ValueError(f"lit must be ({image[0].numel()},), got {tuple(lit.shape)}")
    shown = image if lit is None else torch.where(lit.view(image.shape[1:]), image, 1 - PALE * (1 - image))
    return show(_scene(shown, token, title, dots, goal, reach), alt=alt)


@styled
def _scene(image: Tensor, token: int, title: str, dots: Tensor | None, goal: int | None, reach: int | None) -> Figure:
    figure, ax, (row, column) = _canvas(image, token)
    show_image(ax, image, title)
    if dots is not None:
        rows, columns = dots // image.shape[2], dots % image.shape[2]
        ax.plot(columns, rows, "o", ms=3 if reach is None else 9, color=BLUE, markeredgecolor="white", mew=0.4)
    if goal is not None:
        there = (goal % image.shape[2], goal // image.shape[2])
        ax.annotate("", there, (column, row), arrowprops={"arrowstyle": "->", "color": CENTER, "lw": 2})
        ax.plot(*there, "o", ms=7, color=CENTER, markeredgecolor="white")
    _star(ax, row, column, reach)
    return figure


def weights(
    image: Tensor, token: int, values: Tensor, title: str, *, label: str, alt: str, reach: int | None = None
) -> Shown:
    """Return a map of a value of each pixel, (N,), on a logarithmic scale over three decades, with the token in it.

    ``label`` says what the values are; ``reach`` is that of :func:`scene`.

    Raises
    ------
    ValueError
        If the values do not fit the image, or none is positive.
    """
    if values.shape != (image[0].numel(),):
        raise ValueError(f"values must be ({image[0].numel()},), got {tuple(values.shape)}")
    if not values.max() > 0:
        raise ValueError(f"a value must be positive, got at most {float(values.max())}")
    return show(_weights(image, token, values, title, label, reach), alt=alt)


@styled
def _weights(image: Tensor, token: int, values: Tensor, title: str, label: str, reach: int | None) -> Figure:
    figure, ax, place = _canvas(image, token)
    top = float(values.max())
    drawn = ax.imshow(values.clamp_min(top / 1e3).view(image.shape[1:]).numpy(), norm=LogNorm(top / 1e3, top))
    ax.set(title=title, xticks=[], yticks=[])
    figure.colorbar(drawn, ax=ax, orientation="horizontal", shrink=0.9, aspect=30, pad=0.02).set_label(label)
    _star(ax, *place, reach)
    return figure


def _canvas(image: Tensor, token: int) -> tuple[Figure, Axes, tuple[int, int]]:
    height, width = image.shape[1:]
    figure = Figure(figsize=(WIDTH, WIDTH * height / width + 0.3), layout="constrained")
    return figure, figure.subplots(), divmod(token, width)


def _star(ax: Axes, row: int, column: int, reach: int | None) -> None:
    """Draw the token, and cut the picture to what lies around it."""
    if reach is not None:
        ax.set(xlim=(column - reach - 0.5, column + reach + 0.5), ylim=(row + reach + 0.5, row - reach - 0.5))
    ax.plot(column, row, "*", ms=15, color="white", markeredgecolor=BLACK)
