"""Synthetic scenes as pictures: both resolutions, and what each copy shows of the tile in low resolution."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from satlib.data.copies import PHASES
from satlib.data.scenes import SCALE, Scene
from satlib.figures.kit.style import BLACK, CENTER, WIDTH, frame_off, panels, styled
from satlib.images.degradation import downscale

TITLES = "high resolution", "low resolution, all there is"


@styled
def copies(scene: Scene) -> Figure:
    """Draw a scene in both resolutions with its copies numbered, and below them the tile and what each shows of it.

    The tile is drawn without its outermost pixels, and the copies likewise.
    """
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    grid = figure.add_gridspec(2, 2 * (len(PHASES) + 1), height_ratios=(1.9, 1))
    half, low = len(PHASES) + 1, downscale(scene.hr, SCALE)
    _whole(figure.add_subplot(grid[0, :half]), scene, 1, TITLES[0])
    _whole(figure.add_subplot(grid[0, half:]), scene, SCALE, TITLES[1])
    inner = slice(SCALE, SCALE * (scene.tile - 1))
    shown = {"the tile": scene.parts(scene.hr)[0][inner, inner]}
    for number, corner in enumerate(scene.corners, start=1):
        down, right = (slice(-(-at // SCALE) + 1, -(-at // SCALE) + scene.tile - 2) for at in corner)
        shown[f"copy {number}"] = low[down, right]
    for number, (title, pixels) in enumerate(shown.items()):
        ax = figure.add_subplot(grid[1, 2 * number : 2 * number + 2])
        ax.imshow(pixels)
        frame_off(ax, title)
    return figure


@styled
def both(scene: Scene) -> Figure:
    """Draw a scene in both resolutions."""
    figure, axes = panels(2, 1.0)
    for ax, pixels, title in zip(axes, (scene.hr, downscale(scene.hr, SCALE)), TITLES, strict=True):
        ax.imshow(pixels)
        frame_off(ax, title)
    return figure


def _whole(ax: Axes, scene: Scene, factor: int, title: str) -> None:
    """Draw a scene, made smaller by ``factor``, with a numbered box around each copy."""
    ax.imshow(scene.hr if factor == 1 else downscale(scene.hr, factor))
    frame_off(ax, title)
    for number, (top, left) in enumerate(scene.corners, start=1):
        place, side = (left / factor - 0.5, top / factor - 0.5), SCALE * scene.tile / factor
        ax.add_patch(Rectangle(place, side, side, fill=False, edgecolor=CENTER, linewidth=1.5))
        ax.text(*place, f" {number}", color=BLACK, backgroundcolor="white", fontsize=8, va="top")
