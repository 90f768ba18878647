"""The five numbers of one output, three downscalings, and the figures of the chapter that shows them."""

import json
import math

import numpy as np
import pytest
import torch
from matplotlib.collections import PathCollection
from PIL import Image
from torch.nn import functional

from satlib.evaluation.conventions import downscalings, psnr_by_convention
from satlib.figures import show
from satlib.figures.quality import conventions
from satlib.images.degradation import crop_to_multiple, downscale, low_resolution
from satlib.metrics import psnr
from satlib.metrics.luma import luma
from satlib.resize import imresize


def pair(height: int = 41, width: int = 55, scale: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return an output and its smooth random photograph."""
    noise = np.random.default_rng(0).integers(0, 256, (12, 15, 3), dtype=np.uint8)
    hr = crop_to_multiple(imresize(noise, 4)[:height, :width], scale)
    return imresize(downscale(hr, scale), scale), hr


def plain_psnr(x: np.ndarray, y: np.ndarray) -> float:
    return 10 * math.log10(255**2 / np.mean((x - y) ** 2))


def test_five_conventions_by_plain_formulas() -> None:
    sr, hr = pair()
    inner = [image[2:-2, 2:-2].astype(float) for image in (sr, hr)]
    tv = [16 + image @ np.array([65.481, 128.553, 24.966]) / 255 for image in inner]
    whole = [16 + image.astype(float) @ np.array([65.481, 128.553, 24.966]) / 255 for image in (sr, hr)]
    expected = {
        "Y, not rounded": plain_psnr(*tv),
        "Y, rounded": plain_psnr(*(np.floor(y + 0.5) for y in tv)),
        "Y, no border shaved": plain_psnr(*whole),
        "Y of JPEG (full range)": plain_psnr(*(image @ np.array([0.299, 0.587, 0.114]) for image in inner)),
        "RGB": plain_psnr(*inner),
    }
    assert psnr_by_convention(sr, hr, 2) == pytest.approx(expected, abs=1e-6)
    assert expected["Y, not rounded"] - expected["Y of JPEG (full range)"] == pytest.approx(
        20 * math.log10(255 / 219), abs=1e-6
    )


def test_downscalings() -> None:
    _, hr = pair(46, 52, 4)
    made = downscalings(hr, 4)
    assert list(made) == ["MATLAB", "Pillow", "torch, no antialiasing"]
    assert {image.shape for image in made.values()} == {(11, 13, 3)} and made["Pillow"].dtype == np.uint8
    np.testing.assert_array_equal(made["MATLAB"], downscale(hr, 4))
    inner = np.s_[2:-2, 2:-2]
    assert np.abs(made["Pillow"].astype(int) - made["MATLAB"])[inner].max() <= 1
    planes = torch.from_numpy(hr.copy()).permute(2, 0, 1).double()[None]
    blurred = functional.interpolate(planes, size=(11, 13), mode="bicubic", antialias=True)[0].permute(1, 2, 0)
    assert np.abs(blurred.numpy()[inner] - made["MATLAB"][inner]).max() < 2
    noise = np.random.default_rng(1).integers(0, 256, (44, 52, 3), dtype=np.uint8)
    matlab, _, aliased = downscalings(noise, 4).values()
    assert aliased.std() > 1.5 * matlab.std()


def test_too_small_images_are_refused() -> None:
    with pytest.raises(ValueError, match="3 x 9 pixels is too small for scale 4"):
        crop_to_multiple(np.zeros((3, 9), np.uint8), 4)
    with pytest.raises(ValueError, match="scale must be at least 1, got 0"):
        downscale(np.zeros((8, 9), np.uint8), 0)
    with pytest.raises(ValueError, match="side must be an integer, got nan"):
        low_resolution(Image.new("RGB", (9, 8)), side=float("nan"))


def test_pipeline_shows_the_error() -> None:
    sr, hr = pair()
    figure = conventions.pipeline(hr, downscale(hr, 2), sr)
    *images, error = [ax.images[0].get_array() for ax in figure.axes[:4]]
    for drawn, image in zip(images, (hr, downscale(hr, 2), sr), strict=True):
        np.testing.assert_array_equal(drawn, image)
    np.testing.assert_allclose(error, np.abs(luma(sr) - luma(hr)))


def test_dots_stand_at_their_values() -> None:
    values = {"a": 30.0, "b": 28.5}
    (ax,) = conventions.convention_dots(values, gap=0.2, gap_name="gap").axes
    (dots,) = [c for c in ax.collections if isinstance(c, PathCollection)]
    assert [x for x, _ in np.asarray(dots.get_offsets())] == [30.0, 28.5]
    (band,) = ax.patches
    assert (band.get_x(), band.get_width()) == pytest.approx((29.9, 0.2))


def test_expected_loss_by_rounding() -> None:
    (ax,) = conventions.rounding_loss({"a": ([30, 40], [0.01, 0.1])}).axes
    expected, points = ax.lines
    place = int(np.argmin(np.abs(expected.get_xdata() - 40)))
    level = float(expected.get_xdata()[place])
    mse = 255**2 / 10 ** (level / 10)
    assert expected.get_ydata()[place] == pytest.approx(level - 10 * math.log10(255**2 / (mse + 1 / 6)))
    assert list(points.get_ydata()) == [0.01, 0.1]


def test_error_slider_holds_every_map() -> None:
    sr, hr = pair()
    error = luma(sr) - luma(hr)
    figure = conventions.error_slider(
        {"×2": error, "×3": -error}, name="scale", start="×3", notes={"×2": "two", "×3": "three"}, limit=20
    )
    np.testing.assert_array_equal(figure.data[0].z, np.rint(-error))
    assert [frame.name for frame in figure.frames] == ["×2", "×3"]
    np.testing.assert_array_equal(figure.frames[0].data[0].z, np.rint(error))
    assert figure.layout.title.text == "three" and figure.layout.sliders[0].active == 1
    assert figure.layout.yaxis.range == (hr.shape[0] - 0.5, -0.5)
    html = show(figure, alt="map")._repr_mimebundle_()[0]["text/html"]
    content = json.loads(html.split('<script type="application/json">')[1].split("</script>")[0])
    assert content["data"][0]["z"]["dtype"] == "i1"


def test_bad_maps_are_refused() -> None:
    a, b = np.zeros((4, 5)), np.zeros((5, 4))
    with pytest.raises(ValueError, match="must have one size"):
        conventions.error_slider({"a": a, "b": b}, name="n", start="a", notes={"a": "", "b": ""}, limit=1)
    with pytest.raises(ValueError, match="start 'c'"):
        conventions.error_slider({"a": a}, name="n", start="c", notes={"a": ""}, limit=1)


def test_first_convention_is_the_default() -> None:
    sr, hr = pair()
    assert psnr_by_convention(sr, hr, 2)["Y, not rounded"] == psnr(sr, hr, border=2)
