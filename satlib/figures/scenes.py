"""A scene of copies as a picture: where the copies are, and what each shows of the tile in low resolution."""

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
    rows = figure.add_gridspec(2, 1, height_ratios=(1.9, 1))
    low = downscale(scene.hr, SCALE)
    for ax, pixels, factor, title in zip(
        rows[0].subgridspec(1, 2).subplots(), (scene.hr, low), (1, SCALE), ("high resolution", "low resolution, all there is"),
        strict=True,
    ):  # fmt: skip
        ax.imshow(pixels)
        frame_off(ax, title)
        for number, (top, left) in enumerate(scene.corners, start=1):
            place, side = (left / factor - 0.5, top / factor - 0.5), SCALE * scene.tile / factor
            ax.add_patch(Rectangle(place, side, side, fill=False, edgecolor=CENTER, linewidth=1.5))
            ax.text(*place, f" {number}", color=BLACK, backgroundcolor="white", fontsize=8, va="top")
    axes = rows[1].subgridspec(1, len(PHASES) + 1).subplots()
    inner = slice(SCALE, SCALE * (scene.tile - 1))
    axes[0].imshow(scene.tiles(scene.hr)[0][inner, inner])
    frame_off(axes[0], "the tile")
    for number, (ax, (top, left)) in enumerate(zip(axes[1:], scene.corners, strict=True), start=1):
        down, right = (slice(-(-at // SCALE) + 1, at // SCALE + scene.tile - 1) for at in (top, left))
        ax.imshow(low[down, right])
        frame_off(ax, f"copy {number}")
    return figure
