"""Grey stays grey, an even page keeps its border, and a network's own output is a margin of 0 away."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import satlib
from satlib import samples
from satlib.images.files import read, write
from satlib.images.picture import Picture
from satlib.resize import imresize
from satlib.upscaling import upscale, upscale_file
from satlib.upscaling.care import MARGIN, is_gray, to_gray, with_care, with_margin
from satlib.upscaling.models import get_model
from satlib.upscaling.run import upscale_picture

PHOTO = imresize(np.asarray(samples.load("coffee").convert("RGB")), 0.25)
GRAY = imresize(np.asarray(samples.load("coffee").convert("L")), 0.25)


@pytest.mark.parametrize("value", [0, 30, 128, 200, 255])
@pytest.mark.parametrize("scale", [2, 4])
def test_an_even_page_stays_even_to_its_corners(value, scale):
    for shape in ((40, 50, 3), (24, 17)):
        out = upscale(np.full(shape, value, np.uint8), f"sat-tiny-x{scale}")
        assert np.abs(out.astype(int) - value).max() <= 1


@pytest.mark.parametrize("scale", [2, 4])
def test_without_a_margin_the_border_of_a_white_page_is_darker(scale):
    assert upscale(np.full((40, 50, 3), 255, np.uint8), f"sat-tiny-x{scale}", margin=0).min() < 250


@pytest.mark.parametrize("scale", [2, 4])
def test_grey_stored_as_colour_stays_grey_and_is_what_grey_gives(scale):
    out = upscale(np.dstack([GRAY] * 3), f"sat-tiny-x{scale}")
    assert np.ptp(out.astype(int), axis=2).max() == 0
    np.testing.assert_array_equal(out[..., 0], upscale(GRAY, f"sat-tiny-x{scale}"))
    alpha = np.full_like(GRAY, 255)
    with_alpha = upscale(np.dstack([GRAY] * 3 + [alpha]), f"sat-tiny-x{scale}")
    np.testing.assert_array_equal(with_alpha[..., :3], out)
    hidden = np.dstack([GRAY] * 3 + [alpha])
    hidden[:20, :20] = 255, 0, 0, 0  # a colour that nobody sees
    assert np.ptp(upscale(hidden, f"sat-tiny-x{scale}")[..., :3].astype(int), axis=2).max() == 0


def test_one_pixel_of_colour_makes_a_picture_colour():
    gray = np.dstack([GRAY] * 3)
    assert is_gray(gray) and not is_gray(GRAY[..., None])
    gray[3, 4, 1] ^= 2
    assert not is_gray(gray)
    np.testing.assert_array_equal(
        upscale(gray, "sat-tiny-x2", margin=0),
        upscale_picture(Picture(gray), get_model("sat-tiny-x2", "cpu")).pixels,
    )


@pytest.mark.parametrize("quality", [50, 80, 95, 100])
def test_grey_of_lossy_webp_is_grey(tmp_path, quality):
    write(Picture(GRAY[..., None]), tmp_path / "a.webp", quality=quality)
    pixels = read(tmp_path / "a.webp").pixels
    assert np.ptp(pixels.astype(int), axis=2).max() == 1  # as the format has it
    assert np.ptp(upscale(pixels, "sat-tiny-x4").astype(int), axis=2).max() == 0
    assert np.abs(to_gray(pixels).astype(float) - pixels.mean(axis=2, keepdims=True)).max() <= 1


def test_of_16_bits_and_floats_equal_is_equal():
    for gray in (np.dstack([GRAY] * 3).astype(np.uint16), np.dstack([GRAY] * 3) / 255):
        assert is_gray(gray)
        gray[3, 4, 1] += 1 if gray.dtype == np.uint16 else 1e-9
        assert not is_gray(gray)


def test_a_margin_of_0_is_the_network_bit_for_bit():
    model = satlib.load("sat-tiny-x2")
    np.testing.assert_array_equal(upscale(PHOTO, model, margin=0), upscale_picture(Picture(PHOTO), model).pixels)


def test_a_margin_is_the_mirror_image_cut_off_again():
    model = satlib.load("sat-tiny-x2")
    wide = np.pad(PHOTO, ((7, 7), (7, 7), (0, 0)), mode="symmetric")
    expected = upscale_picture(Picture(wide), model).pixels[14:-14, 14:-14]
    np.testing.assert_array_equal(upscale(PHOTO, model, margin=7), expected)


def test_the_baseline_needs_no_margin():
    np.testing.assert_array_equal(upscale(PHOTO, "bicubic-x2"), imresize(PHOTO, 2))
    np.testing.assert_array_equal(upscale(PHOTO, "bicubic-x2", margin=9), imresize(PHOTO, 2))


def test_files_are_given_the_same_care(tmp_path):
    from PIL import Image

    Image.fromarray(np.dstack([GRAY] * 3)).save(tmp_path / "a.png")
    model = satlib.load("sat-tiny-x2")
    for margin in (0, MARGIN):
        upscale_file(tmp_path / "a.png", tmp_path / "b.png", model, margin=margin)
        with Image.open(tmp_path / "b.png") as image:
            np.testing.assert_array_equal(np.asarray(image), upscale(np.dstack([GRAY] * 3), model, margin=margin))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(0, 12))
def test_care_gives_back_every_size(height, width, channels, margin):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)
    doubled = with_care(
        Picture(pixels), lambda p: p.with_pixels(p.pixels.repeat(2, axis=0).repeat(2, axis=1)), 2, margin
    )
    np.testing.assert_array_equal(doubled.pixels, pixels.repeat(2, axis=0).repeat(2, axis=1))
    assert with_margin(pixels, margin).shape == (height + 2 * margin, width + 2 * margin, channels)


@pytest.mark.parametrize("margin", [-1, 257, 1.5, True, "4"])
def test_other_margins_are_named(margin, tmp_path):
    with pytest.raises(ValueError, match="margin must be an integer from 0 to 256, got"):
        upscale(PHOTO, "bicubic-x2", margin=margin)
    with pytest.raises(ValueError, match="margin must be an integer"):
        upscale_file(tmp_path / "a.png", tmp_path / "b.png", get_model("bicubic-x2"), margin=margin)
