"""What one of several squares is made of by one network in several states, and the differences: a figure for a slider.

Maps are :class:`satlib.analysis.attribution.Attribution`, (H, W) each, by state; differences are to the first.
"""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, SymLogNorm
from matplotlib.figure import Figure
from torch import Tensor

from satlib.analysis.attribution import Attribution, Square
from satlib.figures.kit.style import frame_off, show_image, styled
from satlib.figures.network.attributions import DECADES, frame

WIDTH = 4.8
"""Inches: the width of a figure with a slider."""

COLUMNS = 3

States = Mapping[str, Attribution]


def squares(image: Tensor, places: Sequence[Square], scale: int, found: Sequence[States]) -> list[Figure]:
    """Return a figure for each square of the output of an image (3, H, W), all with the same colours.

    Parameters
    ----------
    places
        The squares; each is numbered on the image, from 1 on.
    found
        Of each square its maps by state, the same two or more states everywhere.

    Raises
    ------
    ValueError
        If there is no square, or a square does not have the maps of the others.
    """
    states = list(found[0]) if found else []
    if len(states) < 2 or len(places) != len(found) or any(list(maps) != states for maps in found):
        raise ValueError(f"every square must have maps of the same two states at least, got {[list(m) for m in found]}")
    shares = [{name: _share(one) for name, one in maps.items()} for maps in found]
    changes = [{name: maps[states[0]] - maps[name] for name in states[1:]} for maps in shares]
    top = max(float(share.max()) for maps in shares for share in maps.values()) or 1.0
    most = max(float(change.abs().max()) for maps in changes for change in maps.values()) or top
    norms = LogNorm(top * 10.0**-DECADES, top), SymLogNorm(linthresh=most / 100, vmin=-most, vmax=most)
    drawn = []
    for number, (maps, pair, differences) in enumerate(zip(found, shares, changes, strict=True)):
        titles = {name: f"{name}\nDI {one.diffusion_index:.1f}" for name, one in maps.items()}
        drawn.append(_figure(image, places, number, scale, pair, differences, titles, norms))
    return drawn


@styled
def _figure(
    image: Tensor,
    places: Sequence[Square],
    number: int,
    scale: int,
    shares: Mapping[str, Tensor],
    changes: Mapping[str, Tensor],
    titles: Mapping[str, str],
    norms: tuple[LogNorm, SymLogNorm],
) -> Figure:
    """Draw the image with all squares, then the maps of one, then the differences; COLUMNS panels in a row."""
    rows = -(-(1 + len(shares) + len(changes)) // COLUMNS)
    height = rows * (0.95 * WIDTH / COLUMNS * image.shape[1] / image.shape[2] + 0.6) + 1.5
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
    show_image(axes[0], image, f"input,\nsquare {number + 1}")
    for place, square in enumerate(places):
        frame(axes[0], square, scale, width=2.5 if place == number else 0.8)
        _number(axes[0], square, scale, f"{place + 1}")
    used = 1
    for name, share in shares.items():
        axes[used].imshow(share.clamp_min(float(norms[0].vmin or 0)).numpy(), norm=norms[0])
        frame_off(axes[used], titles[name])
        used += 1
    for name, change in changes.items():
        axes[used].imshow(change.numpy(), cmap="PuOr", norm=norms[1])
        frame_off(axes[used], f"{next(iter(shares))}\nless {name}")
        used += 1
    for ax in axes[1:used]:
        frame(ax, places[number], scale)
    for ax in axes[used:]:
        ax.set_axis_off()
    _bars(figure, axes, norms)
    return figure


def _bars(figure: Figure, axes: Sequence[Axes], norms: tuple[LogNorm, SymLogNorm]) -> None:
    """Draw the colours of the maps and of the differences below all panels."""
    log = figure.colorbar(ScalarMappable(norms[0]), ax=axes, location="bottom", aspect=40, shrink=0.9)
    log.set_label("maps: % of the map's absolute sum")
    most = float(norms[1].vmax or 1.0)
    both = figure.colorbar(ScalarMappable(norms[1], "PuOr"), ax=axes, location="bottom", aspect=40, shrink=0.9)
    both.set_ticks([-most, 0, most], labels=[f"{value:+.2g}" for value in (-most, 0, most)])
    both.set_label("differences: % points")


def _number(ax: Axes, square: Square, scale: int, text: str) -> None:
    """Write a square's number into its upper left corner."""
    place = ((square.column + 1) / scale - 0.5, (square.row + 1) / scale - 0.5)
    box = {"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"}
    ax.text(*place, text, fontsize=8, ha="left", va="top", bbox=box)


def _share(found: Attribution) -> Tensor:
    """Return a map's absolute values in % of their sum, (H, W)."""
    size = found.map.abs().double()
    return torch.as_tensor(100 * size / size.sum().clamp_min(1e-300))
