"""Scenes of copies: equal in high resolution, unequal in low, fixed by their seed, and worth four times one copy."""

import numpy as np
import pytest

from satlib.data.copies import COLOR, CUTOFF, DETAIL, PHASES, copies, painted
from satlib.data.scenes import noise
from satlib.images.degradation import downscale


@pytest.mark.parametrize(("side", "tile"), [(64, 16), (32, 12), (17, 3), (16, 1)])
def test_the_copies_are_equal_and_begin_at_the_four_phases(side, tile):
    for number in range(8):
        made = copies((0, number), side=side, tile=tile)
        assert made.hr.shape == (2 * side, 2 * side, 3) and made.hr.dtype == np.uint8
        first, *others = made.parts(made.hr)
        assert first.shape == (2 * tile, 2 * tile, 3) and all(np.array_equal(first, other) for other in others)
        assert tuple((top % 2, left % 2) for top, left in made.corners) == PHASES


def test_each_quadrant_has_one_tile_and_they_are_far_apart():
    quadrants = set()
    for number in range(40):
        corners = np.array(copies((0, number)).corners)
        inside = (corners >= 48).astype(int) * 2 - 1
        assert len({tuple(place) for place in inside.tolist()}) == 4
        assert ((corners + 16 <= 48) | (corners >= 48)).all(), "no tile is in two quadrants"
        gaps = [np.abs(a - b).max() - 16 for i, a in enumerate(corners) for b in corners[:i]]
        assert min(gaps) >= 2 * 24
        quadrants.add(tuple(inside[0].tolist()))
    assert len(quadrants) == 4, "no phase has a quadrant of its own"


def test_a_broken_scene_differs_in_all_tiles_but_the_first_and_nowhere_else():
    whole, broken = copies((3, 4)), copies((3, 4), broken=True)
    assert whole.corners == broken.corners
    differs = (whole.hr != broken.hr).any(-1)
    for number, tile in enumerate(whole.parts(differs)):
        assert tile.mean() > 0.9 if number else not tile.any()
    assert differs.sum() == sum(tile.sum() for tile in whole.parts(differs))


def test_a_scene_is_fixed_by_its_seed():
    assert np.array_equal(copies((1, 2)).hr, copies((1, 2)).hr)
    assert not np.array_equal(copies((1, 2)).hr, copies((1, 3)).hr)
    assert not np.array_equal(copies((1, 2)).hr, copies((2, 2)).hr)


def test_the_colour_of_a_tile_says_the_place_and_its_green_the_texture():
    texture = noise(np.random.default_rng(0), 8, CUTOFF)
    pixels = painted(texture)
    for i in range(8):
        for j in range(8):
            red, green, blue = pixels[i, j]
            assert green == pytest.approx(127.5 + DETAIL * texture[i, j])
            assert red - green == pytest.approx(COLOR * (2 * i / 7 - 1))
            assert blue - green == pytest.approx(COLOR * (2 * j / 7 - 1))


def linear_psnr(n_copies):
    """PSNR of the best linear map from windows of 7 x 7 around a place in some copies to the place's four pixels."""
    texture = 127.5 + DETAIL * noise(np.random.default_rng(1), 256, CUTOFF)
    pixels = np.clip(np.round(texture), 0, 255).astype(np.uint8)
    shown = [downscale(np.roll(pixels, phase, (0, 1)), 2) - 127.5 for phase in PHASES[:n_copies]]
    places = np.arange(8, 120)
    rows, columns = (m.ravel() for m in np.meshgrid(places, places, indexing="ij"))
    shifts = [(i, j) for i in range(-3, 4) for j in range(-3, 4)]
    seen = np.stack([copy[rows + i, columns + j] for copy in shown for i, j in shifts], 1)
    wanted = np.stack([pixels[2 * rows + i, 2 * columns + j] - 127.5 for i in (0, 1) for j in (0, 1)], 1)
    half = len(seen) // 2
    weights = np.linalg.lstsq(seen[:half], wanted[:half], rcond=None)[0]
    return -10 * np.log10(np.mean((seen[half:] @ weights - wanted[half:]) ** 2) / 255**2)


def test_four_copies_tell_far_more_than_one():
    one, four = linear_psnr(1), linear_psnr(4)
    assert one < 28 and four > one + 15


@pytest.mark.parametrize(("side", "tile"), [(64, 32), (64, 0), (17, 8)])
def test_tiles_that_do_not_fit_are_an_error(side, tile):
    with pytest.raises(ValueError, match=f"tile must be in .* for side={side}, got {tile}"):
        copies((0, 0), side=side, tile=tile)


def test_a_scene_that_is_too_small_is_an_error():
    with pytest.raises(ValueError, match="side must be at least 16, got 15"):
        copies((0, 0), side=15, tile=1)
