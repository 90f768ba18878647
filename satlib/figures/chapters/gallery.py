"""Chapter 19: what each explorer is about, in one picture of figures.

Shapes: N = H*W pixels of the image, K clusters, m neighbours, n members of a cluster.
"""

import io
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from satlib.dta.aggregation import Aggregation
from satlib.figures.dta.centers import mark
from satlib.figures.explorers.aggregation import members_on_image
from satlib.figures.explorers.attention import read_on_image
from satlib.figures.explorers.compare import split
from satlib.figures.explorers.density import neighbors_on_image
from satlib.figures.explorers.pixels import canvas, edge_to_edge
from satlib.figures.explorers.theorem import Tokens, draw_columns
from satlib.figures.explorers.windows import windows_on_image
from satlib.figures.kit.show import Shown, show
from satlib.figures.kit.style import BLUE, CENTER, frame_off, panels, styled


class Seen(NamedTuple):
    """What the explorers show of one pixel of an image, and of one draw of the theorem's toy."""

    neighbors: Tensor
    """(m,) positions of the sampled tokens that are most similar to the pixel."""
    made: Aggregation
    """What DTA made of the image."""
    members: Tensor
    """(n,) positions of the pixel's cluster."""
    weights: Tensor
    """(n,) of the members; they sum to 1."""
    read: Tensor
    """(K,) what the pixel reads of the clusters; they sum to 1."""
    owed: Tensor
    """(H', W') what a square of the output owes to each pixel of a smaller image."""
    toy: Tokens
    """Tokens of the toy in columns."""
    pair: tuple[Tensor, Tensor]
    """Two outputs (3, sH, sW) that are compared."""
    window: tuple[Tensor, Tensor]
    """(2, N) and (2, N) bool: what the pixel reads in its two windows, and what the mask hides there."""


@styled
def sheet(image: Tensor, token: int, seen: Seen) -> Shown:
    """Draw what each explorer shows of an image (3, H, W) and one of its pixels, ``token`` in raster order."""
    made, cluster = seen.made, int(seen.made.assignment[0, token])
    center = int(made.centers[0, cluster])
    drawn = {
        "density": neighbors_on_image(image, token, seen.neighbors, made.sample[0]),
        "centers": _centers(image, made),
        "aggregation": members_on_image(image, seen.members, seen.weights, center=center, token=token),
        "attention": read_on_image(image, made.assignment[0], seen.read, token),
        "compare": canvas(split(*seen.pair, 0.5))[0],
    }
    figure, axes = panels(8, image.shape[1] / image.shape[2], columns=4)
    for number, (ax, (name, one)) in enumerate(zip(axes, drawn.items(), strict=False), 1):
        _thumbnail(ax, one, f"{number} {name}")
    axes[5].imshow(np.log10(seen.owed.abs().clamp_min(float(seen.owed.abs().max()) * 1e-4).numpy()))
    frame_off(axes[5], "6 attribution")
    draw_columns(axes[6], seen.toy)
    frame_off(axes[6], "7 theorem")
    axes[6].set_box_aspect(image.shape[1] / image.shape[2])
    own, hidden = seen.window
    _thumbnail(axes[7], windows_on_image(image, own, hidden.any(0), token), "8 windows")
    missed = len(set(seen.toy.column[seen.toy.missed].tolist()))
    return show(
        figure,
        alt=f"Eight small pictures. 1 density: the photograph with a star on a pixel and dots on its "
        f"{len(seen.neighbors)} nearest neighbours. 2 centers: {made.sample.shape[1]} sampled tokens and "
        f"{made.centers.shape[1]} centres. 3 aggregation: the {len(seen.members)} members of the pixel's cluster in "
        f"orange. 4 attention: the five clusters that the pixel reads most, {seen.read.topk(5).values.sum():.0%} of "
        "the weight, in five colours. 5 compare: two outputs and a divider in the middle. 6 attribution: a map of what "
        "a square of the output owes to each pixel. 7 theorem: columns of tokens, one for each cluster; without a "
        f"sampled token: {missed}. 8 windows: a wide and a high window around the pixel, in which it reads "
        f"{int(own.any(0).sum())} pixels.",
    )


def _centers(image: Tensor, made: Aggregation) -> Figure:
    figure, ax = canvas(image, alpha=0.55)
    mark(ax, image, made.sample[0], BLUE, share=0.5)
    mark(ax, image, made.centers[0], CENTER, share=1.2, edge=0.5)
    return figure


def _thumbnail(ax: Axes, figure: Figure, title: str) -> None:
    """Draw a figure that an image fills, small, under a title."""
    ax.imshow(np.asarray(Image.open(io.BytesIO(edge_to_edge(figure))).convert("RGB")), interpolation="antialiased")
    frame_off(ax, title)
