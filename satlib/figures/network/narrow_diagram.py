"""The diagram of the network for a narrow screen: what stands in rows there runs down three columns here."""

import textwrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from satlib.config import SATConfig
from satlib.figures.kit.narrow import NARROW
from satlib.figures.kit.style import BLUE, styled
from satlib.figures.network.diagram import Row, rows

STEP = 0.56
"""Inches from one box to the next."""

HALF = 0.34
"""Half of a box's width, where a column has a width of 1; its height is 1.2 of it, where a step is 1."""

TITLE_LETTERS = 14


@styled
def narrow_diagram(config: SATConfig) -> Figure:
    """Draw what :func:`satlib.figures.network.diagram.diagram` draws, in columns."""
    columns = rows(config)
    titles = ["\n".join(textwrap.wrap(row.title, TITLE_LETTERS)) for row in columns]
    steps = max(len(row.boxes) for row in columns)
    figure = Figure(figsize=(NARROW, STEP * steps + 0.16 * (1 + max(title.count("\n") for title in titles)) + 0.1))
    ax = figure.add_axes((0, 0, 1, STEP * steps / figure.get_figheight()))
    ax.set(xlim=(0, len(columns)), ylim=(steps - 0.5, -0.5))
    ax.set_axis_off()
    for number, (row, title) in enumerate(zip(columns, titles, strict=True)):
        ax.text(number + 0.06, -0.5, title, fontsize=9, fontweight="bold", va="bottom")
        _column(ax, number + 0.5, row)
    return figure


def _column(ax: Axes, x: float, row: Row) -> None:
    """Draw boxes one below the other, arrows between them, and lines for what is added after a box."""
    arrow: dict[str, Any] = {"arrowstyle": "->", "color": "0.2", "shrinkA": 0, "shrinkB": 0}
    edges = [0.15 if color == "none" else 0.6 * HALF + 0.06 for *_, color in row.boxes]
    for y, (text, _, color) in enumerate(row.boxes):
        if color != "none":
            corner = (x - HALF, y - 0.6 * HALF - 0.04)
            shape = FancyBboxPatch(
                corner, 2 * HALF, 1.2 * HALF + 0.08, boxstyle="round,pad=0.02", facecolor=color, edgecolor="0.3"
            )
            ax.add_patch(shape)
        words = text if color != "none" else text.replace("\n", ", ")
        ax.text(x, y, words, ha="center", va="center", fontsize=9, linespacing=0.95)
    for y, (above, below) in enumerate(zip(edges, edges[1:], strict=False)):
        ax.annotate("", (x, y + 1 - below), (x, y + above), arrowprops=arrow)
    for level, (start, stop) in enumerate(row.skips):
        side = x - HALF - 0.07 if level == 2 else x + HALF + 0.06 + 0.05 * (level % 2)
        ax.plot([x, side, side], [start + 0.5, start + 0.5, stop + 0.5], color=BLUE, linewidth=1.3)
        ax.annotate("", (x, stop + 0.5), (side, stop + 0.5), arrowprops={**arrow, "color": BLUE})
        ax.text((x + side) / 2, stop + 0.5, "+", color=BLUE, fontsize=11, ha="center", va="bottom")
    if row.label:
        start, stop = row.skips[-1]
        ax.text(x - HALF - 0.1, (start + stop + 1) / 2, row.label, rotation=90, ha="right", va="center", fontsize=9)
