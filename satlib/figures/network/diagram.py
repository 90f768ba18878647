"""The network as pictures: what follows what, where its parameters are, and what one output pixel depends on."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from satlib.complexity.parameters import Part
from satlib.config import SATConfig
from satlib.figures.kit.style import BLACK, BLUE, ORANGE, SKY, VERMILLION, WIDTH, panels, show_image, styled

PLAIN, LOCAL, SELECTIVE, GROUP = "#eeeeee", SKY, ORANGE, "#d9f0e6"
BOX_HEIGHT = 0.56
TYPE = 9.8


class Row(NamedTuple):
    """A line of the diagram."""

    title: str
    boxes: tuple[tuple[str, float, str], ...]
    """Text, width and colour of each; "none" where there is no box around the text."""

    skips: tuple[tuple[int, int], ...]
    """After which box something is taken, and after which it is added."""

    label: str = ""
    """Of the last of the skips."""


def rows(config: SATConfig) -> tuple[Row, ...]:
    """Return the three lines of the diagram: the network, one of its residual groups, and one of its blocks."""
    c, up = config.channels, config.upsampler_channels
    groups, pairs = len(config.groups), " or ".join(str(n) for n in sorted(set(config.groups)))
    network = (
        ("input\n3", 0.45, "none"),
        (f"conv 3×3\n{c}", 0.9, PLAIN),
        ("Layer-\nNorm", 0.65, PLAIN),
        (f"{groups} residual\ngroups", 1.05, GROUP),
        ("Layer-\nNorm", 0.65, PLAIN),
        (f"conv 3×3\n{c}", 0.9, PLAIN),
        (f"conv 3×3\n{up}", 0.9, PLAIN),
        (f"upsampler\n×{config.scale}", 1.02, PLAIN),
        ("output\n3", 0.6, "none"),
    )
    group = (
        ("tokens", 0.8, "none"),
        ("local\nblock", 1.0, LOCAL),
        ("SAA\nblock", 1.0, SELECTIVE),
        ("…", 0.5, "none"),
        ("local\nblock", 1.0, LOCAL),
        ("SAA\nblock", 1.0, SELECTIVE),
        (f"conv 3×3\n{c}", 1.0, PLAIN),
        ("tokens", 0.8, "none"),
    )
    block = (
        ("tokens", 0.8, "none"),
        ("Layer-\nNorm", 0.8, PLAIN),
        ("attention", 1.1, "#ffffff"),
        ("Layer-\nNorm", 0.8, PLAIN),
        ("gated\nMLP", 1.1, PLAIN),
        ("tokens", 0.8, "none"),
    )
    what = "a block: attention in windows (local) or to aggregated tokens (SAA)"
    return (
        Row("the network", network, ((1, 5),)),
        Row(f"a residual group: {pairs} pairs of blocks", group, ((0, 6),)),
        Row(what, block, ((0, 2), (2, 4), (0, 4)), "times a gain per channel"),
    )


@styled
def diagram(config: SATConfig) -> Figure:
    """Draw the network, one of its residual groups, and one of its blocks, with what is added to what."""
    figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
    ax = figure.subplots()
    ax.set(xlim=(0, 10), ylim=(-0.2, 5.4))
    ax.set_axis_off()
    for y, row in zip((4.3, 2.5, 0.7), rows(config), strict=True):
        _row(ax, y, row)
    return figure


def _row(ax: Axes, y: float, row: Row) -> None:
    """Draw boxes in a row, arrows between them, and arcs for what is added after a box."""
    title, boxes, skips, label = row
    gap = (9.6 - sum(width for _, width, _ in boxes)) / (len(boxes) - 1)
    gap = min(gap, 0.55)
    x, ends = 0.2, []
    for text, width, color in boxes:
        if color != "none":
            shape = FancyBboxPatch(
                (x, y - BOX_HEIGHT / 2), width, BOX_HEIGHT, boxstyle="round,pad=0.03", facecolor=color, edgecolor="0.3"
            )
            ax.add_patch(shape)
        ax.text(x + width / 2, y, text, ha="center", va="center", fontsize=TYPE)
        ends.append((x, x + width))
        x += width + gap
    arrow: dict[str, Any] = {"arrowstyle": "->", "color": "0.2", "shrinkA": 1, "shrinkB": 2}
    for (_, left), (right, _) in zip(ends, ends[1:], strict=False):
        ax.annotate("", (right - 0.02, y), (left + 0.02, y), arrowprops=arrow)
    for level, (start, stop) in enumerate(skips):
        _skip(ax, y, ends[start][1] + gap / 2, ends[stop][1] + gap / 2, 0.42 + 0.09 * (level % 2) * 2, level == 2)
    if label:
        start, stop = skips[-1]
        middle = (ends[start][1] + ends[stop][1] + gap) / 2
        ax.text(middle, y - 0.66, label, ha="center", va="top", fontsize=TYPE)
    ax.text(0.2, y + 0.75, title, fontsize=10.5, fontweight="bold", va="bottom")


def _skip(ax: Axes, y: float, start: float, stop: float, height: float, below: bool) -> None:
    """Draw a line around boxes, above or below them, from ``start`` to an addition at ``stop``."""
    level = y - 0.55 if below else y + height
    ax.plot([start, start, stop], [y, level, level], color=BLUE, linewidth=1.3)
    ax.annotate(
        "", (stop, y), (stop, level), arrowprops={"arrowstyle": "->", "color": BLUE, "shrinkA": 0, "shrinkB": 0}
    )
    ax.text(stop + 0.05, y + (level - y) * 0.78, "+", color=BLUE, fontsize=11, va="center")


@styled
def parameter_bars(outlines: Mapping[str, Sequence[Part]]) -> Figure:
    """Draw the share of every part in all parameters, one bar for each network: local blocks, SAA blocks, the rest."""
    figure = Figure(figsize=(WIDTH, 0.4 * len(outlines) + 0.8), layout="constrained")
    ax = figure.subplots()
    kinds = {"local blocks": LOCAL, "SAA blocks": SELECTIVE, "convolutions, norms, upsampler": "0.75"}
    left = np.zeros(len(outlines))
    for kind, color in kinds.items():
        shares = [100 * _kind_params(parts, kind) / sum(p.params for p in parts) for parts in outlines.values()]
        ax.barh(list(outlines), shares, left=left, color=color, label=kind)
        for place, (start, share) in enumerate(zip(left, shares, strict=True)):
            ax.text(start + share / 2, place, f"{share:.0f} %", ha="center", va="center", color=BLACK)
        left += shares
    ax.invert_yaxis()
    ax.set(xlabel="% of the parameters", xlim=(0, 100))
    ax.tick_params(axis="y", length=0)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
    return figure


def _kind_params(parts: Sequence[Part], kind: str) -> int:
    """Return the parameters of one kind of part in an outline of the network."""
    named = {"local blocks": "LTB", "SAA blocks": "SATB"}
    if kind in named:
        return sum(part.params for part in parts if f"({named[kind]})" in part.name)
    return sum(part.params for part in parts if "TB)" not in part.name)


@styled
def influence_map(image: Tensor, influence: Tensor, place: tuple[int, int], local: Tensor) -> Figure:
    """Draw the image beside the influence (H, W) of each pixel, with a line around ``local`` (H, W) bool."""
    figure, axes = panels(2, image.shape[1] / image.shape[2])
    show_image(axes[0], image, "input")
    top = float(influence.max())
    steps = colormaps["viridis"].resampled(12)
    drawn = axes[1].imshow(influence.clamp_min(top * 1e-7).numpy(), cmap=steps, norm=LogNorm(top * 1e-6, top))
    axes[1].set(title="influence on one output pixel", xticks=[], yticks=[])
    if not local.all():
        axes[1].contour(local.float().numpy(), levels=[0.5], colors=[VERMILLION], linewidths=1.5)
    for ax in axes:
        ax.plot(place[1], place[0], "*", ms=14, color="white", markeredgecolor=BLACK)
    bar = figure.colorbar(drawn, ax=axes[1], shrink=0.85, aspect=25)
    bar.set_label("length of the gradient over the colours")
    return figure
