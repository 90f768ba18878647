"""How a sample is spread: the cells that it is drawn from, seen through a window."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from satlib.dta.vectors import positions
from satlib.figures.kit.style import BLACK, CENTER, panels, show_image, styled

WINDOW = 24
"""Rows and columns that a window shows."""


@styled
def strata(image: Tensor, ways: Mapping[str, tuple[Tensor | None, Tensor]]) -> Figure:
    """Draw cells and the sampled tokens in a window at the middle of the image, a panel for each way to sample.

    Parameters
    ----------
    image
        (3, H, W) in [0, 1].
    ways
        By the panel's title: the cell of each token (N,), ``None`` where there are no cells, and the sample (S,).
    """
    height, width = image.shape[1:]
    top, left = max(0, (height - WINDOW) // 2), max(0, (width - WINDOW) // 2)
    figure, axes = panels(len(ways), min(WINDOW, height) / min(WINDOW, width), columns=2)
    for ax, (title, (cells, sample)) in zip(axes, ways.items(), strict=True):
        show_image(ax, image, title, alpha=0.45)
        if cells is not None:
            _draw_borders(ax, cells.view(height, width))
        place = positions(sample, width).flip(1).numpy()
        ax.add_collection(
            EllipseCollection(
                [0.6], [0.6], [0], units="xy", facecolors=CENTER, offsets=place, offset_transform=ax.transData
            )
        )
        ax.set(xlim=(left - 0.5, left + min(WINDOW, width) - 0.5), ylim=(top + min(WINDOW, height) - 0.5, top - 0.5))
    return figure


def borders(cells: Tensor) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return the sides, as pairs of (x, y), between neighbouring tokens of different cells; ``cells`` is (H, W)."""
    upright = (cells[:, 1:] != cells[:, :-1]).nonzero().tolist()
    level = (cells[1:] != cells[:-1]).nonzero().tolist()
    sides = [((x + 0.5, y - 0.5), (x + 0.5, y + 0.5)) for y, x in upright]
    return sides + [((x - 0.5, y + 0.5), (x + 0.5, y + 0.5)) for y, x in level]


def _draw_borders(ax: Axes, cells: Tensor) -> None:
    ax.add_collection(LineCollection(borders(cells), colors=BLACK, linewidths=0.8))
