"""Attribution maps of several networks beside the image: a sheet for a page or a paper's supplement."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from satlib.analysis.attribution import Attribution, Square
from satlib.figures.kit.style import (
    BLACK,
    BLUE,
    GREEN,
    SKY,
    VERMILLION,
    WIDTH,
    frame_off,
    panels,
    show_image,
    styled,
)
from satlib.support.checks import require

DECADES = 4
"""Of the colours: what is owed less than 10^-4 of the most is as dark as nothing."""


@styled
def sheet(image: Tensor, square: Square, scale: int, maps: Mapping[str, Attribution]) -> Figure:
    """Draw an image (3, H, W) with a square, and what each network's square owes to each pixel.

    A map is divided by the sum of its absolute values, so that networks that gain more or less can be compared; all
    have one scale of colours. Titles have the diffusion index, and what a map leaves unexplained if it is 1 % or more.

    Raises
    ------
    ValueError
        If there is no map, or a map is not of the image's size.
    """
    if not maps:
        raise ValueError("maps must hold at least one map, got none")
    for name, found in maps.items():
        if found.map.shape != image.shape[1:]:
            raise ValueError(f"the map of {name} is {tuple(found.map.shape)}, the image {tuple(image.shape[1:])}")
    sizes = {name: found.map.abs().double() for name, found in maps.items()}
    shares = {name: size / size.sum().clamp_min(1e-300) for name, size in sizes.items()}
    top = max(float(share.max()) for share in shares.values()) or 1.0
    columns = 2 if len(maps) == 3 else 3
    figure, axes = panels(1 + len(maps), image.shape[1] / image.shape[2], columns=columns)
    show_image(axes[0], image, "input")
    for ax, (name, share) in zip(axes[1:], shares.items(), strict=True):
        floor = top * 10.0**-DECADES
        drawn = ax.imshow(100 * share.clamp_min(floor).numpy(), cmap="viridis", norm=LogNorm(100 * floor, 100 * top))
        missing = maps[name].missing
        rest = f", {missing:.0%} unexplained" if missing >= 0.01 else ""
        frame_off(ax, f"{name}\nDI {maps[name].diffusion_index:.1f}{rest}")
    for ax in axes:
        frame(ax, square, scale)
    figure.colorbar(drawn, ax=axes, shrink=0.85, aspect=25).set_label("% of the map's absolute sum")
    return figure


def frame(ax: Axes, square: Square, scale: int, *, width: float = 1.5) -> None:
    """Draw a frame around the pixels under a square of the output, whose sides are ``scale`` times the input's.

    ``width`` is that of its line, in points.
    """
    corner = (square.column / scale - 0.5, square.row / scale - 0.5)
    ax.add_patch(Rectangle(corner, square.side / scale, square.side / scale, fill=False, ec=VERMILLION, lw=width))


@styled
def reach_lines(shares: Mapping[str, Tensor]) -> Figure:
    """Draw which share of a map lies farther away than a distance: a line for each network, of the mean over images.

    ``shares`` are (images, D) by network, as :func:`satlib.analysis.squares.share_beyond` returns them; the thin
    lines are single images. What is below 10^-5 is left out.

    Raises
    ------
    ValueError
        If there are more than five networks.
    """
    require(len(shares) <= 5, "shares", list(shares), "of at most five networks")
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    ax = figure.subplots()
    looks = zip((BLUE, SKY, BLACK, VERMILLION, GREEN), ("-", "-.", "--", "-", ":"), strict=True)
    for (name, values), (color, style) in zip(shares.items(), looks, strict=False):
        for line in (100 * values).clamp_min(1e-9):
            ax.plot(line.numpy(), color=color, lw=0.5, alpha=0.35)
        ax.plot((100 * values.mean(0)).clamp_min(1e-9).numpy(), color=color, ls=style, lw=2, label=name)
    ax.set(yscale="log", ylim=(1e-3, 100), xlabel="distance from the square, in input pixels")
    ax.set(ylabel="% of the map's absolute sum\nthat lies farther away", xlim=(0, None))
    ax.legend()
    return figure
