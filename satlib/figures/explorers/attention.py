"""What one query reads: the aggregated tokens, the pixels behind them, and all weights."""

import numpy as np
from matplotlib.colors import TwoSlopeNorm, to_rgb
from matplotlib.figure import Figure
from torch import Tensor

from satlib.figures.dta.clusters import LARGEST
from satlib.figures.explorers.pixels import canvas, star
from satlib.figures.kit.style import BLACK, BLUE, frame_off, panels, styled
from satlib.figures.network.attention import LIMIT, doublings


@styled
def read_on_image(image: Tensor, assignment: Tensor, weights: Tensor, token: int) -> Figure:
    """Draw the pixels of the five aggregated tokens that are read most, each in a colour, over the grey image.

    Parameters
    ----------
    image
        (3, H, W) in [0, 1].
    assignment, weights
        (N,) cluster of each pixel, and (K,) weight of each cluster.
    token
        Position of the query, a star.
    """
    painted = (0.6 + 0.4 * image.mean(0, keepdim=True)).repeat(3, 1, 1).flatten(1)
    for cluster, color in zip(weights.argsort(descending=True).tolist(), LARGEST, strict=False):
        painted[:, assignment == cluster] = painted.new_tensor(to_rgb(color)).unsqueeze(1)
    figure, ax = canvas(painted.view_as(image))
    star(ax, token, image.shape[2])
    return figure


@styled
def reading(pixel_weights: Tensor, weights: Tensor, token: int) -> Figure:
    """Draw how much each pixel is read, against reading all alike, and the weights of the aggregated tokens in order.

    Parameters
    ----------
    pixel_weights, weights
        (H, W) and (K,), each with the sum 1. The first five weights have the colours of LARGEST.
    token
        Position of the query, a star.
    """
    height, width = pixel_weights.shape
    figure, axes = panels(2, min(1.2, max(0.6, height / width + 0.15)))
    shown = axes[0].imshow(
        doublings(pixel_weights.flatten()).view(height, width).numpy(),
        cmap="PuOr_r",
        norm=TwoSlopeNorm(0, -LIMIT, LIMIT),
    )
    frame_off(axes[0], "weight of a pixel, times the mean")
    star(axes[0], token, width)
    bar = figure.colorbar(shown, ax=axes[0], location="bottom", shrink=0.8, aspect=30, pad=0.02)
    marks = range(-LIMIT, LIMIT + 1)
    bar.set_ticks(marks, labels=[f"1/{2**-n}" if n < 0 else str(2**n) for n in marks])
    ordered = weights.sort(descending=True).values.numpy()
    rank = np.arange(1, len(ordered) + 1)
    axes[1].plot(rank, ordered, color=BLUE)
    axes[1].scatter(rank[:5], ordered[:5], color=LARGEST[: len(ordered)], s=45, zorder=3)
    axes[1].axhline(1 / len(ordered), color=BLACK, linewidth=1, linestyle="--")
    axes[1].set(title="attention weights, largest first (dashed: all alike)", xlabel="rank", ylim=(0, None))
    axes[1].set(xscale="log" if len(ordered) > 1 else "linear")
    return figure
