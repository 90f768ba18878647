"""A square of the output on its input, and what two networks' squares owe to each pixel, with the difference."""

from collections.abc import Mapping

import torch
from matplotlib.colors import LogNorm, SymLogNorm
from matplotlib.figure import Figure
from torch import Tensor

from satlib.analysis.attribution import Attribution, Square
from satlib.figures.explorers.pixels import canvas
from satlib.figures.kit.style import frame_off, panels, styled
from satlib.figures.network.attributions import DECADES, frame


@styled
def square_on_image(image: Tensor, square: Square, scale: int) -> Figure:
    """Draw an image (3, H, W) edge to edge, with a frame around the pixels under a square of the output."""
    figure, ax = canvas(image)
    frame(ax, square, scale)
    return figure


@styled
def maps_beside(square: Square, scale: int, pair: Mapping[str, Attribution]) -> Figure:
    """Draw one or two maps, each as shares of its absolute sum, and the first less the second.

    Raises
    ------
    ValueError
        If there are more than two maps, or none.
    """
    if not 1 <= len(pair) <= 2:
        raise ValueError(f"one or two maps are drawn, got {list(pair)}")
    shares = [100 * found.map.abs() / found.map.abs().sum().clamp_min(1e-300) for found in pair.values()]
    top = max(float(share.max()) for share in shares) or 1.0
    floor = top * 10.0**-DECADES
    figure, axes = panels(len(pair) + (len(pair) == 2), shares[0].shape[0] / shares[0].shape[1])
    for ax, name, share in zip(axes, pair, shares, strict=False):
        drawn = ax.imshow(share.clamp_min(floor).numpy(), norm=LogNorm(floor, top))
        frame_off(ax, name)
    bar = figure.colorbar(drawn, ax=axes[: len(pair)], location="bottom", aspect=30, shrink=0.9)
    bar.set_label("% of the map's absolute sum")
    if len(pair) == 2:
        change = shares[0] - shares[1]
        most = float(change.abs().max()) or top
        scaled = SymLogNorm(linthresh=most / 100, vmin=-most, vmax=most)
        shown = axes[2].imshow(torch.as_tensor(change).numpy(), cmap="PuOr", norm=scaled)
        frame_off(axes[2], "left less right")
        bar = figure.colorbar(shown, ax=axes[2], location="bottom", aspect=15, shrink=0.9)
        bar.set_ticks([-most, 0, most], labels=[f"{value:+.2g}" for value in (-most, 0, most)])
        bar.set_label("% points")
    for ax in axes:
        frame(ax, square, scale)
    return figure
