"""Legends of a picture for a narrow screen: where there is room, and never over data.

Sizes are inches of 100 pixels.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend

LINE = 0.2
"""Inches of a line of a legend."""

GAP = 0.2
"""Inches between a legend above a panel and the panel's title."""


def stack_legends(figure: Figure, room: Mapping[Axes, float], width: float) -> float:
    """Give legends without room a line for each entry: below the picture, or within one of its panels.

    Parameters
    ----------
    figure
        As it was drawn last.
    room
        Its panels, and the inches that each has for a legend.
    width
        Inches of the new picture.

    Returns
    -------
    float
        The inches that legends below the picture add to it.
    """
    below = [each for each in figure.legends if _wider(each, width)]
    for legend in below:
        figure.legends.remove(legend)
    for ax, inches in room.items():
        found = ax.get_legend()
        if found is None or not _wider(found, inches):
            continue
        found.remove()
        if len(room) == 1:
            below.append(found)
        else:
            ax.legend(*_entries(found, list(room)), loc="best", frameon=True, framealpha=0.85, edgecolor="none")
    for legend in below:
        figure.legend(*_entries(legend, list(room)), loc="outside lower left")
    return LINE * sum(len(legend.texts) for legend in below)


def hides_data(ax: Axes) -> bool:
    """Tell whether a panel's legend lies over a line, a mark or a bar, as the panel was drawn last."""
    legend = ax.get_legend()
    if legend is None:
        return False
    box = legend.get_window_extent()
    for line in ax.lines:
        if line.get_visible() and line.get_transform().transform_path(line.get_path()).intersects_bbox(
            box, filled=False
        ):
            return True
    for marks in ax.collections:
        if isinstance(marks, PathCollection):
            places = marks.get_offset_transform().transform(np.ma.getdata(marks.get_offsets()))
            if any(box.contains(*place) for place in places):
                return True
    return any(bar.get_window_extent().overlaps(box) for bar in ax.patches)


def put_above(ax: Axes) -> float:
    """Put a panel's legend above it, a line for each entry, and its titles above that; return the inches it takes."""
    legend = ax.get_legend()
    assert legend is not None
    marks, words = _entries(legend, [ax])
    legend.remove()
    above = LINE * len(words)
    ax.legend(marks, words, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    for place in ("left", "center", "right"):
        title = ax.get_title(loc=place)
        if title:
            ax.set_title(title, loc=place, pad=72 * (above + GAP))
    return above + GAP


def _entries(legend: Legend, panels: Sequence[Axes]) -> tuple[list[Artist], list[str]]:
    """Return the marks and the words of a legend; a mark is what the panels have under that name, where they do."""
    words = [text.get_text() for text in legend.texts]
    drawn = {word: mark for ax in panels for mark, word in zip(*ax.get_legend_handles_labels(), strict=True)}
    marks = [drawn.get(word, mark) for word, mark in zip(words, legend.legend_handles, strict=True)]
    return [mark for mark in marks if mark is not None], words


def _wider(legend: Legend, inches: float) -> bool:
    """Tell whether a legend is wider than some inches."""
    figure = legend.get_figure(root=True)
    assert figure is not None
    return bool(legend.get_window_extent().width > figure.get_dpi() * inches)
