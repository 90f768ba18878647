"""Arrays of every kind are plain ones, or refused in a line."""

import numpy as np
import pytest

from satlib import metrics, upscale
from satlib.metrics.luma import luma
from satlib.resize import imresize
from satlib.support.arrays import plain_array

GRAY = np.random.default_rng(0).integers(0, 256, (18, 21), np.uint8)


class Mine(np.ndarray):
    """A subclass."""


def kinds() -> dict[str, np.ndarray]:
    """Return the same values as arrays of many kinds."""
    spread = np.zeros((18, 21, 3), np.uint8)
    spread[..., 1] = GRAY
    record = np.zeros((18, 21), [("a", "i1"), ("b", "u1")])
    record["b"] = GRAY
    return {
        "matrix": GRAY.view(np.matrix),
        "mine": GRAY.view(Mine),
        "not masked": np.ma.array(GRAY),
        "fortran": np.asfortranarray(GRAY),
        "backwards": GRAY[::-1, ::-1].copy()[::-1, ::-1],
        "spread": spread[..., 1],
        "field": record["b"],
    }


@pytest.mark.parametrize("kind", kinds())
def test_the_kind_of_an_array_changes_no_result(kind):
    given = kinds()[kind]
    assert type(plain_array(given, "image")) is np.ndarray
    np.testing.assert_array_equal(upscale(given, "sat-tiny-x2"), upscale(GRAY, "sat-tiny-x2"))
    np.testing.assert_array_equal(imresize(given, 0.5), imresize(GRAY, 0.5))
    np.testing.assert_array_equal(luma(given), luma(GRAY))
    other = GRAY // 2
    for metric in (metrics.psnr, metrics.ssim):
        assert metric(given, other) == metric(GRAY, other) and metric(other, given) == metric(other, GRAY)


@pytest.mark.parametrize("dtype", ["u2", "f2", "f4", "f8"])
def test_the_order_of_bytes_changes_no_value_and_comes_back(dtype):
    image = (GRAY.astype("<u2") * 257).astype("<u2") if dtype == "u2" else (GRAY / 255).astype("<" + dtype)
    swapped = image.astype(">" + dtype)
    out = upscale(swapped, "bicubic-x2")
    assert out.dtype == swapped.dtype
    np.testing.assert_array_equal(out, upscale(image, "bicubic-x2"))


def test_views_that_repeat_pixels_are_taken():
    repeated = np.broadcast_to(GRAY[:1, :1, None], (9, 8, 3))
    assert upscale(repeated, "sat-tiny-x2").shape == (18, 16, 3)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ma.masked_less(GRAY, 9), "masked values"),
        (np.array([["a", "b"]]), "must hold numbers, got an array of <U1"),
        (np.array([[object()]]), "must hold numbers, got an array of object"),
        (np.zeros((3, 3), "M8[s]"), "must hold numbers"),
        (np.zeros((3, 3), [("a", "u1")]), "must hold numbers"),
    ],
)
def test_what_has_no_values_is_refused(array, message):
    for use in (
        lambda: upscale(array),
        lambda: imresize(array, 2),
        lambda: luma(array),
        lambda: metrics.psnr(array, array),
    ):
        with pytest.raises(ValueError, match=message):
            use()
