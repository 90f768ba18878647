"""Scenes of copies: equal in high resolution, unequal in low, fixed by their seed, and worth four times one copy."""

import numpy as np
import pytest

from satlib.data import Store
from satlib.data.copies import COLOR, CUTOFF, DETAIL, PHASES, noise, painted, scene, write_files, write_scenes
from satlib.data.degradation import downscale


@pytest.mark.parametrize(("side", "tile"), [(64, 16), (32, 12), (17, 3), (16, 1)])
def test_the_copies_are_equal_and_begin_at_the_four_phases(side, tile):
    for number in range(8):
        made = scene((0, number), side=side, tile=tile)
        assert made.hr.shape == (2 * side, 2 * side, 3) and made.hr.dtype == np.uint8
        first, *others = made.tiles(made.hr)
        assert first.shape == (2 * tile, 2 * tile, 3) and all(np.array_equal(first, other) for other in others)
        assert tuple((top % 2, left % 2) for top, left in made.corners) == PHASES


def test_each_quadrant_has_one_tile_and_they_are_far_apart():
    quadrants = set()
    for number in range(40):
        corners = np.array(scene((0, number)).corners)
        inside = (corners >= 48).astype(int) * 2 - 1
        assert len({tuple(place) for place in inside.tolist()}) == 4
        assert ((corners + 16 <= 48) | (corners >= 48)).all(), "no tile is in two quadrants"
        gaps = [np.abs(a - b).max() - 16 for i, a in enumerate(corners) for b in corners[:i]]
        assert min(gaps) >= 2 * 24
        quadrants.add(tuple(inside[0].tolist()))
    assert len(quadrants) == 4, "no phase has a quadrant of its own"


def test_a_broken_scene_differs_in_all_tiles_but_the_first_and_nowhere_else():
    whole, broken = scene((3, 4)), scene((3, 4), broken=True)
    assert whole.corners == broken.corners
    differs = (whole.hr != broken.hr).any(-1)
    for number, tile in enumerate(whole.tiles(differs)):
        assert tile.mean() > 0.9 if number else not tile.any()
    assert differs.sum() == sum(tile.sum() for tile in whole.tiles(differs))


def test_a_scene_is_fixed_by_its_seed():
    assert np.array_equal(scene((1, 2)).hr, scene((1, 2)).hr)
    assert not np.array_equal(scene((1, 2)).hr, scene((1, 3)).hr)
    assert not np.array_equal(scene((1, 2)).hr, scene((2, 2)).hr)


def test_noise_has_nothing_beyond_its_cutoff():
    values = noise(np.random.default_rng(0), 64, CUTOFF)
    spectrum = np.abs(np.fft.fft2(values))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
    assert spectrum[frequency > CUTOFF].max() < 1e-8 < spectrum[(frequency > 0.3) & (frequency < CUTOFF)].max()
    assert values.mean() == pytest.approx(0) and values.std() == pytest.approx(1)


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
    copies = [downscale(np.roll(pixels, phase, (0, 1)), 2) - 127.5 for phase in PHASES[:n_copies]]
    places = np.arange(8, 120)
    rows, columns = (m.ravel() for m in np.meshgrid(places, places, indexing="ij"))
    shifts = [(i, j) for i in range(-3, 4) for j in range(-3, 4)]
    seen = np.stack([copy[rows + i, columns + j] for copy in copies for i, j in shifts], 1)
    wanted = np.stack([pixels[2 * rows + i, 2 * columns + j] - 127.5 for i in (0, 1) for j in (0, 1)], 1)
    half = len(seen) // 2
    weights = np.linalg.lstsq(seen[:half], wanted[:half], rcond=None)[0]
    return -10 * np.log10(np.mean((seen[half:] @ weights - wanted[half:]) ** 2) / 255**2)


def test_four_copies_tell_far_more_than_one():
    one, four = linear_psnr(1), linear_psnr(4)
    assert one < 28 and four > one + 15


def test_the_store_holds_the_scenes_whole(tmp_path):
    store = Store(write_scenes(tmp_path / "train", 3, seed=5, side=16, tile=4), 2)
    assert [entry.name for entry in store.entries] == ["00000.png", "00001.png", "00002.png"]
    expected = scene((5, 1), side=16, tile=4).hr
    assert np.array_equal(store.hr(1), expected) and np.array_equal(store.lr(1), downscale(expected, 2))
    assert store.large_enough(16) == [0, 1, 2]


def test_files_that_are_there_are_kept(tmp_path):
    write_files(tmp_path, 1, seed=0, side=16, tile=4)
    before = (tmp_path / "00000.png").stat().st_mtime_ns
    write_files(tmp_path, 2, seed=0, side=16, tile=4)
    assert (tmp_path / "00000.png").stat().st_mtime_ns == before and (tmp_path / "00001.png").is_file()


@pytest.mark.parametrize(("side", "tile"), [(64, 32), (64, 0), (17, 8)])
def test_tiles_that_do_not_fit_are_an_error(side, tile):
    with pytest.raises(ValueError, match=f"tile must be in .* for side={side}, got {tile}"):
        scene((0, 0), side=side, tile=tile)


def test_a_scene_that_is_too_small_is_an_error():
    with pytest.raises(ValueError, match="side must be at least 16, got 15"):
        scene((0, 0), side=15, tile=1)
