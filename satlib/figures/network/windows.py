"""Local windows as pictures: how the image is cut, what one token reads, and the position bias."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from satlib.figures.dta.idea import faded
from satlib.figures.kit.style import BLACK, CENTER, WIDTH, frame_off, panels, pixels, styled


@styled
def partitions(image: Tensor, labels: Mapping[str, Tensor], token: int) -> Figure:
    """Draw how windows cut an image, and in full colour what one token reads.

    Parameters
    ----------
    image
        (3, H, W) in [0, 1].
    labels
        (N,) of each panel, by its title: equal where two tokens read each other.
    token
        The one that is marked by a star.
    """
    figure, axes = panels(len(labels), image.shape[1] / image.shape[2], columns=2)
    for ax, (title, label) in zip(axes, labels.items(), strict=True):
        ax.imshow(pixels(faded(image, label == label[token])))
        frame_off(ax, title)
        _outline(ax, label.view(image.shape[1:]))
        ax.plot(token % image.shape[2], token // image.shape[2], "*", ms=14, color="white", markeredgecolor=BLACK)
    return figure


def _outline(ax: Axes, label: Tensor) -> None:
    """Draw a line between all neighbouring tokens of a map (H, W) that have different labels."""
    rows, columns = (label[1:] != label[:-1]).nonzero().T.numpy()
    ax.hlines(rows + 0.5, columns - 0.5, columns + 0.5, color=CENTER, linewidth=1)
    rows, columns = (label[:, 1:] != label[:, :-1]).nonzero().T.numpy()
    ax.vlines(columns + 0.5, rows - 0.5, rows + 0.5, color=CENTER, linewidth=1)


@styled
def position_maps(tables: Mapping[str, Tensor]) -> Figure:
    """Draw the position bias of each offset, one panel for each table (2h-1, 2w-1), titled by the keys.

    Each panel shows its bias minus the mean, which the softmax ignores, and all have one scale of colours, so that a
    bias that tells no position is white.
    """
    centred = {title: (table - table.mean()).numpy() for title, table in tables.items()}
    limit = max(float(np.abs(table).max()) for table in centred.values()) or 1.0
    rows = -(-len(tables) // 3)
    figure = Figure(figsize=(WIDTH, 1.75 * rows + 0.5), layout="constrained")
    axes = list(figure.subplots(rows, min(3, len(tables)), squeeze=False).flat)
    for ax in axes[len(tables) :]:
        ax.set_axis_off()
    for number, (ax, (title, table)) in enumerate(zip(axes, centred.items(), strict=False), 1):
        down, right = ((side - 1) / 2 + 0.5 for side in table.shape)
        extent = (-right, right, down, -down)
        drawn = ax.imshow(table, cmap="PuOr_r", vmin=-limit, vmax=limit, extent=extent)
        ax.set_title(title)
        ax.tick_params(labelsize=8)
        if number + 3 > len(tables):  # nothing is drawn below
            ax.set_xlabel("columns", fontsize=9)
    figure.colorbar(drawn, ax=axes, location="bottom", shrink=0.5, aspect=40, label="bias minus its mean")
    figure.supylabel("rows", fontsize=9)
    return figure
