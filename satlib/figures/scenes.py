"""A scene of copies as a picture: where the copies are, and what each shows of the tile in low resolution."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from satlib.data.copies import PHASES, SCALE, Scene
from satlib.data.degradation import downscale
from satlib.figures.style import BLACK, CENTER, WIDTH, frame_off, styled


@styled
def copies(scene: Scene) -> Figure:
    """Draw a scene in both resolutions with its copies numbered, and below them the tile and what each shows of it.

    The tile is drawn without its outermost pixels, and the copies likewise.
    """
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    grid = figure.add_gridspec(2, 2 * (len(PHASES) + 1), height_ratios=(1.9, 1))
    half, low = len(PHASES) + 1, downscale(scene.hr, SCALE)
    _whole(figure.add_subplot(grid[0, :half]), scene, 1, "high resolution")
    _whole(figure.add_subplot(grid[0, half:]), scene, SCALE, "low resolution, all there is")
    inner = slice(SCALE, SCALE * (scene.tile - 1))
    panels = {"the tile": scene.tiles(scene.hr)[0][inner, inner]}
    for number, corner in enumerate(scene.corners, start=1):
        down, right = (slice(-(-at // SCALE) + 1, -(-at // SCALE) + scene.tile - 2) for at in corner)
        panels[f"copy {number}"] = low[down, right]
    for number, (title, pixels) in enumerate(panels.items()):
        ax = figure.add_subplot(grid[1, 2 * number : 2 * number + 2])
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
