"""Maps with a legend: what is hatched, what the low resolution shows of it, and where the answer stands."""

import numpy as np
import pytest

from satlib.data import legends
from satlib.data.legends import legend_map, pattern
from satlib.images.degradation import downscale


def brightness(image):
    return image.astype(float).mean(-1)


def wide_patterns(n, width=1):
    """The three patterns on n x n pixels, each place ``width`` pixels wide."""
    places = np.arange(n) // width % 2
    return [pattern(k)[np.ix_(places, places)] for k in range(3)]


def test_the_six_patterns_are_three_and_their_negatives_and_have_no_mean():
    found = [pattern(number) for number in range(6)]
    assert all(p.sum() == 0 and np.abs(p).min() == 1 for p in found)
    assert all(np.array_equal(found[k], -found[k + 3]) for k in range(3))
    assert len({p.tobytes() for p in found}) == 6


@pytest.mark.parametrize("side", [16, 32, 48])
def test_regions_are_hatched_as_the_legend_says(side):
    for number in range(6):
        made = legend_map((0, number), side=side)
        size, cells = 2 * made.tile, {(i, j) for i in range(4) for j in range(4)}
        taken = {(top // size, left // size) for top, left in made.corners}
        assert len(taken) == 12 and made.judged == 12
        ((row, column),) = [c for c in cells - taken if c[0] in (0, 3) and c[1] in (0, 3)]
        legend = {}
        for i in (0, 1):
            for j in (0, 1):
                top, left = size * row + made.tile * i, size * column + made.tile * j
                entry = made.hr[top : top + made.tile, left : left + made.tile]
                wide = wide_patterns(made.tile, made.tile // 2)
                scores = [(brightness(entry) * p).mean() for p in wide]
                best = int(np.argmax(np.abs(scores)))
                hue = entry.reshape(-1, 3).mean(0)
                legend[best + (3 if scores[best] < 0 else 0), i, j] = hue - hue.mean()
        for part in made.parts(made.hr):
            scores = [(brightness(part) * p).mean() for p in wide_patterns(size)]
            best = int(np.argmax(np.abs(scores)))
            tint = part.reshape(-1, 3).mean(0)
            nearest = min(legend, key=lambda key: np.abs(legend[key] - (tint - tint.mean())).sum())
            assert nearest[0] == best + (3 if scores[best] < 0 else 0)


def test_low_resolution_shows_nothing_of_a_hatching(monkeypatch):
    made = legend_map((0, 1))
    monkeypatch.setattr(legends, "CONTRAST", 0.0)
    plain = legend_map((0, 1))
    difference = np.abs(downscale(made.hr, 2).astype(int) - downscale(plain.hr, 2))
    for top, left in made.corners:
        part = difference[top // 2 : top // 2 + made.tile, left // 2 : left // 2 + made.tile]
        assert part.max() <= 1, "rounding alone"
    assert difference.max() > 30, "but the legend is seen"


def test_a_broken_map_has_the_same_regions_and_another_legend_for_every_colour():
    whole, broken = legend_map((3, 4)), legend_map((3, 4), broken=True)
    assert whole.corners == broken.corners
    for a, b in zip(whole.parts(whole.hr), broken.parts(broken.hr), strict=True):
        assert np.array_equal(a, b)
    differs = (whole.hr != broken.hr).any(-1)
    rows, columns = differs.nonzero()
    assert np.ptp(rows) < 24 and np.ptp(columns) < 24
    top, left = rows.min() // 24 * 24, columns.min() // 24 * 24
    assert all(differs[top + 12 * i :, left + 12 * j :][:12, :12].mean() >= 0.5 for i in (0, 1) for j in (0, 1))


def test_a_map_is_fixed_by_its_seed():
    assert np.array_equal(legend_map((1, 2)).hr, legend_map((1, 2)).hr)
    assert not np.array_equal(legend_map((1, 2)).hr, legend_map((1, 3)).hr)


@pytest.mark.parametrize("side", [8, 20, 47])
def test_other_sides_are_an_error(side):
    with pytest.raises(ValueError, match=f"side must be a multiple of 8 and at least 16, got {side}"):
        legend_map((0, 0), side=side)
