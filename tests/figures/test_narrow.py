"""Pictures for a narrow screen: the same in other places, with letters that keep their size."""

import base64
import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from satlib.figures.kit.legends import hides_data
from satlib.figures.kit.narrow import NARROW, columns, narrowed
from satlib.figures.kit.show import DENSITY, png, show
from satlib.figures.kit.style import frame_off, panels

PICTURE = np.arange(48).reshape(6, 8)
WIDEST = 1.03 * 100 * NARROW * DENSITY


def photographs(n: int, n_columns: int | None = None) -> Figure:
    """Return a figure of ``n`` pictures of one size, and one bar of colours."""
    figure, axes = panels(n, 6 / 8, columns=n_columns)
    for number, ax in enumerate(axes):
        drawn = ax.imshow(PICTURE)
        frame_off(ax, f"panel {number} with a title that is too long for a third of a wide picture")
    figure.colorbar(drawn, ax=axes, location="bottom", label="what the colours mean")
    return figure


def width(figure: Figure) -> int:
    return Image.open(io.BytesIO(png(figure))).width


def rows(figure: Figure) -> list[int]:
    """Return how many pictures stand in each row, from the top."""
    figure.canvas.draw()
    heights = [round(ax.get_position().y1, 2) for ax in figure.axes if ax.get_images()]
    return [heights.count(height) for height in sorted(set(heights), reverse=True)]


@pytest.mark.parametrize(
    ("n", "n_columns", "expected"),
    [
        (1, None, [1]),
        (3, None, [1, 1, 1]),
        (4, 2, [1] * 4),
        (7, 4, [2, 2, 2, 1]),
    ],
)
def test_panels_stand_one_below_the_other_or_few_in_a_row(n: int, n_columns: int | None, expected: list[int]) -> None:
    wide = photographs(n, n_columns)
    narrow = narrowed(wide)
    assert width(narrow) <= WIDEST
    assert rows(narrow) == expected
    boxes = [ax.get_window_extent() for ax in narrow.axes if ax.get_images()]
    assert max(box.width for box in boxes) > 0.8 * 100 * NARROW / max(expected)


def test_the_wide_figure_stays_as_it_is() -> None:
    wide = photographs(3)
    titles, size = [ax.get_title(loc="left") for ax in wide.axes], tuple(wide.get_size_inches())
    narrowed(wide)
    assert [ax.get_title(loc="left") for ax in wide.axes] == titles
    assert tuple(wide.get_size_inches()) == size
    assert [ax.get_subplotspec().colspan.start for ax in wide.axes if ax.get_images()] == [0, 1, 2]


def test_what_is_drawn_and_said_is_the_same() -> None:
    wide = photographs(3)
    narrow = narrowed(wide)
    for old, new in zip(wide.axes, narrow.axes, strict=True):
        assert " ".join(new.get_title(loc="left").split()) == old.get_title(loc="left")
        for a, b in zip(old.get_images(), new.get_images(), strict=True):
            assert np.array_equal(np.asarray(a.get_array()), np.asarray(b.get_array()))


def test_long_names_and_legends_leave_room_for_the_data() -> None:
    wide = Figure(figsize=(7.6, 3), layout="constrained")
    ax = wide.subplots()
    names = ["a name of many words that would take all of the width", "another of them, and not a short one"]
    for place, label in enumerate(("the first kind of bar", "the second kind of bar", "the third kind of bar")):
        ax.barh([0, 1], [1, 2], left=2 * place, label=label)
    ax.set_yticks([0, 1], names)
    ax.legend(ncols=3)
    narrow = narrowed(wide)
    assert width(narrow) <= WIDEST
    [drawn] = narrow.axes
    assert drawn.get_window_extent().width > 0.5 * 100 * NARROW
    assert [" ".join(label.get_text().split()) for label in drawn.get_yticklabels()] == names
    [legend] = narrow.legends
    assert [text.get_text() for text in legend.texts] == [
        f"the {nth} kind of bar" for nth in ("first", "second", "third")
    ]


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("title", ["", "lines that are everywhere"])
def test_a_legend_over_data_goes_above_its_panel_and_below_its_title(n: int, title: str) -> None:
    wide = Figure(figsize=(7.6, 3), layout="constrained")
    for ax in wide.subplots(1, n, squeeze=False).flat:
        ax.plot([0, 1], [0, 1], label="rises")
        ax.plot([0, 1], [1, 0], label="falls")
        ax.set_title(title, loc="left")
        ax.legend(loc="center")
    assert all(map(hides_data, wide.axes))
    narrow = narrowed(wide)
    narrow.draw_without_rendering()
    assert len(narrow.axes) == n
    for ax in narrow.axes:
        legend = ax.get_legend().get_window_extent()
        assert not hides_data(ax)
        assert ax.get_legend() is not None and legend.y0 >= ax.get_window_extent().y1
        heading = next(child for child in ax.get_children() if getattr(child, "get_text", str)() == title)
        assert not title or heading.get_window_extent().y0 >= legend.y1
        assert [text.get_text() for text in ax.get_legend().texts] == ["rises", "falls"]
        assert ax.get_window_extent().height > 0.7 * 100 * 3 / 2


def test_marks_and_bars_are_data_and_a_legend_in_an_empty_corner_stays() -> None:
    wide = Figure(figsize=(7.6, 3), layout="constrained")
    dots, bars, line = wide.subplots(1, 3)
    dots.scatter([0, 0.5, 1], [0, 0.5, 1], label="dots")
    bars.bar([0, 1], [1, 1], label="bars")
    line.plot([0, 1], [0, 1], label="a line")
    dots.legend(loc="center")
    bars.legend(loc="center left")
    line.legend(loc="upper left")
    wide.draw_without_rendering()
    assert list(map(hides_data, wide.axes)) == [True, True, False]


def test_panels_of_several_sizes_keep_their_rows() -> None:
    wide = Figure(figsize=(7.6, 5), layout="constrained")
    grid = wide.add_gridspec(2, 12, height_ratios=(2, 1))
    for place in (grid[0, :6], grid[0, 6:], *(grid[1, 2 * i : 2 * i + 2] for i in range(6))):
        wide.add_subplot(place).imshow(PICTURE)
    assert rows(narrowed(wide)) == [1, 1, 3, 3]


@pytest.mark.parametrize(
    ("in_row", "of", "expected"), [(1, 1, 1), (2, 2, 1), (3, 3, 1), (3, 6, 2), (6, 6, 3), (12, 12, 4)]
)
def test_columns(in_row: int, of: int, expected: int) -> None:
    assert columns(in_row, of) == expected


def test_an_output_has_both_layouts_where_the_figure_is_wide() -> None:
    content, _ = show(photographs(3), alt="three pictures")._repr_mimebundle_()
    wide, narrow = (Image.open(io.BytesIO(base64.b64decode(content[f"image/{kind}"]))) for kind in ("png", "gif"))
    assert narrow.width <= WIDEST < wide.width
    assert narrow.height > wide.height
    small = Figure(figsize=(3, 2))
    small.subplots().plot([1, 2])
    assert "image/gif" not in show(small, alt="a line")._repr_mimebundle_()[0]
    given = show(photographs(3), alt="three pictures", narrow=small)._repr_mimebundle_()[0]["image/gif"]
    assert Image.open(io.BytesIO(base64.b64decode(given))).width < 300 * DENSITY
