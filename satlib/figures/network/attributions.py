"""Attribution maps of several networks beside the image: a sheet for a page or a paper's supplement."""

from collections.abc import Mapping

from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from satlib.analysis.attribution import Attribution, Square
from satlib.figures.kit.style import VERMILLION, frame_off, panels, show_image, styled

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
    figure, axes = panels(1 + len(maps), image.shape[1] / image.shape[2], columns=min(3, 1 + len(maps)))
    show_image(axes[0], image, "input")
    for ax, (name, share) in zip(axes[1:], shares.items(), strict=True):
        floor = top * 10.0**-DECADES
        drawn = ax.imshow(100 * share.clamp_min(floor).numpy(), cmap="viridis", norm=LogNorm(100 * floor, 100 * top))
        missing = maps[name].missing
        rest = f", {missing:.0%} unexplained" if missing >= 0.01 else ""
        frame_off(ax, f"{name}\nDI {maps[name].diffusion_index:.1f}{rest}")
    for ax in axes:
        corner = (square.column / scale - 0.5, square.row / scale - 0.5)
        ax.add_patch(Rectangle(corner, square.side / scale, square.side / scale, fill=False, ec=VERMILLION, lw=1.5))
    figure.colorbar(drawn, ax=axes, shrink=0.85, aspect=25).set_label("% of the map's absolute sum")
    return figure
