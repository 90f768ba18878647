"""The picture of a scene shows the scene, its tiles and their low resolution."""

import numpy as np
from matplotlib.patches import Rectangle

from satlib.data.copies import copies as draw
from satlib.data.legends import legend_map
from satlib.figures.training.scenes import both, copies
from satlib.images.degradation import downscale


def test_the_picture_shows_the_tiles_where_they_are() -> None:
    made = draw((0, 0), side=32, tile=8)
    figure = copies(made)
    high, low, tile, *shown = figure.axes
    assert len(shown) == 4
    drawn = [np.asarray(ax.images[0].get_array()) for ax in figure.axes]
    assert np.array_equal(drawn[0], made.hr) and np.array_equal(drawn[1], downscale(made.hr, 2))
    assert np.array_equal(drawn[2], made.parts(made.hr)[0][2:-2, 2:-2])
    for ax, factor in ((high, 1), (low, 2)):
        boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
        expected = [(left / factor - 0.5, top / factor - 0.5) for top, left in made.corners]
        assert [box.get_xy() for box in boxes] == expected and {box.get_width() for box in boxes} == {16 / factor}
    for number, copy in enumerate(drawn[3:]):
        top, left = (-(-at // 2) + 1 for at in made.corners[number])
        assert copy.shape == (5, 5, 3) and np.array_equal(copy, drawn[1][top : top + 5, left : left + 5])


def test_a_map_is_shown_in_both_resolutions() -> None:
    made = legend_map((0, 0), side=16)
    first, second = (np.asarray(ax.images[0].get_array()) for ax in both(made).axes)
    assert np.array_equal(first, made.hr) and np.array_equal(second, downscale(made.hr, 2))
