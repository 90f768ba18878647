"""Every matplotlib picture once more, for a narrow screen: its panels one below the other, its words in shorter lines.

Letters keep their size, so that they can be read where the wide picture would be shown at half of it, or be scrolled.
Panels that stood four or more in a row, or in rows of many, stay two or three in a row. Nothing that is drawn in a
panel changes.
"""

import pickle
import textwrap
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from satlib.figures.kit.legends import hides_data, put_above, stack_legends
from satlib.figures.kit.style import styled

NARROW = 3.5
"""Inches of its width: 350 CSS pixels."""

DPI = 100
"""CSS pixels to an inch."""

NAMES = 0.36
"""Share of the width that names at a vertical axis may take."""

MANY = 4
"""Of more panels than this, two stand in a row."""

FINE = 12
"""Columns of the grid that the panels are laid on: rows of one, two, three and four fit it."""


class Size(NamedTuple):
    """Of a panel as it was drawn: its proportions, and the inches of its place in the grid and of what is around it."""

    ratio: float
    place: float
    beside: float
    above_and_below: float

    def height(self, width: float) -> float:
        """Return the height of a place of another width; what is around the panel keeps its size."""
        return (width - self.beside) * self.ratio + self.above_and_below


@styled
def narrowed(figure: Figure) -> Figure:
    """Return a copy of a figure, laid out for a narrow screen.

    Its inches are 100 CSS pixels, as those of all figures here. Panels, that is axes on a grid, keep their
    proportions; a single one that has no fixed proportions keeps its height.
    """
    copy: Figure = pickle.loads(pickle.dumps(figure))
    for ax in copy.axes:
        if not ax.axison and not ax.has_data() and not ax.texts:
            ax.remove()  # an empty place of the wide grid
    copy.set_dpi(DPI)
    draw: Callable[[], None] = FigureCanvasAgg(copy).draw  # without a type in matplotlib
    draw()  # the layout finds where everything is
    width, height = copy.get_size_inches()
    rows = _rows(copy)
    below = stack_legends(copy, {ax: NARROW - _size(ax).beside for row in rows for ax in row}, NARROW)
    if sum(map(len, rows)) != 1:
        height = _stack(copy, rows, below) if rows else height * NARROW / width
    else:
        [[ax]] = rows
        if ax.get_aspect() != "auto":
            height = _size(ax).height(NARROW)
        height += _shorten(ax, NARROW, _size(ax).beside)
    for bar in set(copy.axes) - {ax for row in rows for ax in row}:
        _break(bar.xaxis.label, DPI * NARROW)
    copy.set_size_inches(NARROW, height + below)
    if sum(map(len, rows)) == 1:
        draw()
        copy.set_size_inches(NARROW, height + below + sum(_clear(ax) for ax in rows[0]))
    return copy


def columns(in_row: int, of: int) -> int:
    """Return how many of ``of`` panels stand in a row of the narrow picture that were ``in_row`` in the wide one."""
    return min(max(1, in_row // 2, 2 if of > MANY else 1), 4)


def _rows(figure: Figure) -> list[list[Axes]]:
    """Return the axes of a figure that lie on its grid, row by row."""
    rows: dict[int, list[Axes]] = {}
    for ax in figure.axes:
        place = ax.get_subplotspec()
        if place is not None:
            rows.setdefault(place.rowspan.start, []).append(ax)
    return [rows[start] for start in sorted(rows)]


def _size(ax: Axes) -> Size:
    """Return the size of a panel as it was drawn last."""
    figure, place = ax.get_figure(root=True), ax.get_subplotspec()
    assert figure is not None
    assert place is not None
    grid = place.get_gridspec()
    whole = figure.get_size_inches()
    ratios = np.asarray(grid.get_height_ratios(), dtype=float)
    across = whole[0] * len(place.colspan) / grid.ncols
    down = whole[1] * ratios[place.rowspan.start : place.rowspan.stop].sum() / ratios.sum()
    drawn, room = ax.get_position(), ax.get_position(original=True)
    ratio = whole[1] * drawn.height / (whole[0] * drawn.width)
    return Size(ratio, across, across - whole[0] * room.width, down - whole[1] * room.height)


def _stack(figure: Figure, rows: Sequence[Sequence[Axes]], below: float) -> float:
    """Lay the panels on a grid of fewer columns; return the height in inches that they need.

    ``below`` are the inches of what stands below all of them.
    """
    panels = [ax for row in rows for ax in row]
    sizes = {ax: _size(ax) for ax in panels}
    if len({round(size.place, 3) for size in sizes.values()}) == 1:
        n = columns(max(map(len, rows)), len(panels))
        lines = [(panels[i : i + n], n) for i in range(0, len(panels), n)]
    else:
        counts = [columns(len(row), len(row)) for row in rows]
        lines = [(list(row[i : i + n]), n) for row, n in zip(rows, counts, strict=True) for i in range(0, len(row), n)]
    heights = [
        max(sizes[ax].height(NARROW / n) + _shorten(ax, NARROW / n, sizes[ax].beside) for ax in line)
        for line, n in lines
    ]
    _lay(figure, lines, heights)
    figure.set_size_inches(NARROW, sum(heights) + below)
    figure.draw_without_rendering()
    moved = [max(_clear(ax) for ax in line) for line, _ in lines]
    if any(moved):
        heights = [height + more for height, more in zip(heights, moved, strict=True)]
        _lay(figure, lines, heights)
    return sum(heights)


def _lay(figure: Figure, lines: Sequence[tuple[Sequence[Axes], int]], heights: Sequence[float]) -> None:
    """Put lines of panels, each with the number of its columns, on a new grid."""
    grid = figure.add_gridspec(len(lines), FINE, height_ratios=heights)
    for number, (line, n) in enumerate(lines):
        for place, ax in enumerate(line):
            ax.set_subplotspec(grid[number, place * FINE // n : (place + 1) * FINE // n])


def _clear(ax: Axes) -> float:
    """Put a panel's legend above it if it hides data there; return the inches that this takes."""
    return put_above(ax) if hides_data(ax) else 0.0


def _shorten(ax: Axes, width: float, beside: float) -> float:
    """Break the words of a panel that are too long for its new place; return the inches that new lines above it take.

    These are the names at its vertical axis, its titles, and the label below it. ``width`` is that of the place in
    inches, and ``beside`` what the names and what else is beside the panel took of the old one.
    """
    places, names = ax.get_yticks(), ax.get_yticklabels()
    longest = _longest(names)
    if longest > NAMES * DPI * width:
        for label in names:
            _break(label, NAMES * DPI * width)
        beside -= (longest - _longest(names)) / DPI
        ax.set_yticks(places, [label.get_text() for label in names])
    titles = [child for child in ax.get_children() if isinstance(child, Text) and child not in ax.texts]
    added = [_break(text, DPI * (width - beside)) for text in (*titles, ax.xaxis.label)]
    return max(added[:-1]) + added[-1]


def _longest(texts: Sequence[Text]) -> float:
    """Return the width in pixels of the longest of some texts."""
    return max((float(text.get_window_extent().width) for text in texts), default=0.0)


def _break(text: Text, room: float) -> float:
    """Put words into lines that are not wider than some pixels, as far as they allow; return the inches added."""
    box = text.get_window_extent()
    if box.width <= room or not text.get_text():
        return 0.0
    lines = text.get_text().split("\n")
    letters = max(6, int(max(map(len, lines)) * room / box.width))
    broken = [part for line in lines for part in textwrap.wrap(line, letters, break_long_words=False)]
    if any(line.count("$") % 2 for line in broken):  # a formula stays whole
        return 0.0
    text.set_text("\n".join(broken))
    return (len(broken) / len(lines) - 1) * float(box.height) / DPI
