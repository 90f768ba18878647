"""Colour under transparent pixels: none of it is seen, and what is seen stays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satlib import upscale
from satlib.images.alpha import visible_color

Y, X = np.mgrid[:64, :64]
DISC = (Y - 32) ** 2 + (X - 32) ** 2 < 400


@pytest.mark.parametrize("model", ["bicubic-x2", "bicubic-x4", "sat-tiny-x2", "sat-tiny-x4"])
@pytest.mark.parametrize("hidden", [0, 255])
def test_a_disc_has_no_rim_of_another_colour(model, hidden):
    image = np.full((64, 64, 4), hidden, np.uint8)
    image[..., 3] = 0
    image[DISC] = 255, 0, 0, 255
    out = upscale(image, model)
    seen = out[..., 3] > 20
    assert out[seen, 0].min() >= 250
    assert out[seen, 1:3].max() <= 5


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 3]), st.integers(0, 2**32 - 1))
def test_what_is_under_alpha_0_does_not_matter_and_what_is_fully_seen_stays(dtype, height, width, channels, seed):
    rng = np.random.default_rng(seed)
    white = 1 if dtype == np.float32 else np.iinfo(dtype).max
    alpha = rng.choice([0, 0.5, 1], (height, width, 1)) * white
    one, other = (
        np.concatenate((rng.random((height, width, channels)) * white, alpha), axis=2).astype(dtype) for _ in range(2)
    )
    hidden = one[..., -1] == 0
    other[~hidden] = one[~hidden]
    if hidden.all():
        return  # then all is as it was
    np.testing.assert_array_equal(visible_color(one), visible_color(other), strict=True)
    full = one[..., -1] == one[..., -1].max()
    np.testing.assert_array_equal(visible_color(one)[full], one[full][:, :-1])


@pytest.mark.parametrize("alpha", [0, 1, 128, 255])
def test_even_alpha_changes_nothing(alpha):
    image = np.random.default_rng(0).integers(0, 256, (9, 8, 4), dtype=np.uint8)
    image[..., 3] = alpha
    np.testing.assert_array_equal(visible_color(image), image[..., :3])


def test_a_soft_edge_changes_nothing_where_it_falls_by_less_than_half():
    image = np.random.default_rng(0).integers(0, 256, (9, 40, 4), dtype=np.uint8)
    image[..., 3] = np.linspace(255, 100, 40)
    np.testing.assert_array_equal(visible_color(image), image[..., :3])


def test_a_pixel_is_filled_from_the_nearest():
    image = np.zeros((8, 64, 2), np.uint8)
    image[:, 0], image[:, 63] = (100, 255), (200, 255)
    filled = visible_color(image)[..., 0].astype(int)
    assert (filled[:, :2] == 100).all() and (filled[:, 62:] == 200).all()
    assert (filled[:, :31] <= 150).all() and (filled[:, 33:] >= 150).all()


def test_a_nearly_transparent_colour_counts_as_much_as_it_is_seen():
    image = np.full((64, 64, 4), 255, np.uint8)
    image[..., :3], image[..., 3] = (0, 255, 0), 1
    image[DISC] = 255, 0, 0, 255
    out = upscale(image, "bicubic-x2")
    assert out[out[..., 3] > 128, 1].max() <= 10
