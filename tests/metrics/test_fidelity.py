"""PSNR and SSIM against formulas, scikit-image, and the bicubic tables of Set5 and Set14."""

import csv
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.metrics import structural_similarity

from satlib.metrics import psnr, ssim
from satlib.metrics.luma import luma
from satlib.resize import imresize

GOLDEN = Path(__file__).parents[1] / "golden" / "bicubic_baseline.csv"
DATA = Path(__file__).parents[3] / "shared" / "data"


def images(shape, seed=0):
    """A smooth random uint8 image and a noisy copy."""
    generator = np.random.default_rng(seed)
    hr = imresize(generator.integers(0, 256, (8, 8, *shape[2:]), dtype=np.uint8), size=shape[:2])
    noise = generator.normal(0, 12, shape)
    return np.clip(np.rint(hr + noise), 0, 255).astype(np.uint8), hr


def reference_psnr(x, y):
    mse = np.mean((x.astype(np.float64) - y.astype(np.float64)) ** 2)
    return 10 * math.log10(255**2 / mse)


def skimage_ssim(x, y):
    """Mean over channels and over the positions where the window fits; x and y on the scale of 255."""
    _, full = structural_similarity(
        x.astype(np.float64),
        y.astype(np.float64),
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=-1 if x.ndim == 3 else None,
        full=True,
    )
    return full[5:-5, 5:-5].mean()


def to_tensor(image):
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(image, -1, 0)))[None]


@settings(max_examples=40, deadline=None)
@given(st.integers(11, 30), st.integers(11, 30), st.booleans(), st.booleans(), st.integers(0, 3), st.integers(0, 9))
def test_rgb_images_against_formulas(height, width, use_luma, rounded, border, seed):
    border = min(border, (min(height, width) - 11) // 2)
    sr, hr = images((height, width, 3), seed)
    keep = slice(border, height - border), slice(border, width - border)
    x, y = ((luma(v, rounded=rounded) if use_luma else v)[keep] for v in (sr, hr))
    options = {"border": border, "luma": use_luma, "rounded": rounded}
    assert psnr(sr, hr, **options) == pytest.approx(reference_psnr(x, y), abs=1e-10)
    assert ssim(sr, hr, **options) == pytest.approx(skimage_ssim(x, y), abs=1e-10)


def test_grey_images_are_their_own_luma():
    sr, hr = images((40, 33))
    for x, y in ((sr, hr), (sr[..., None], hr[..., None]), (torch.from_numpy(sr), torch.from_numpy(hr))):
        for options in ({}, {"luma": False}, {"rounded": True}):
            assert psnr(x, y, **options) == pytest.approx(reference_psnr(sr, hr), abs=1e-10)
            assert ssim(x, y, **options) == pytest.approx(skimage_ssim(sr, hr), abs=1e-10)


def test_known_values():
    black, white = np.zeros((12, 12), np.uint8), np.full((12, 12), 255, np.uint8)
    assert psnr(black, white) == pytest.approx(0, abs=1e-12)
    assert psnr(black, black + 1) == pytest.approx(48.1308036086791, abs=1e-10)  # 20 log10(255)
    assert psnr(np.full((3, 3), 0.5), np.full((3, 3), 0.6)) == pytest.approx(20, abs=1e-10)
    assert ssim(black, white) == pytest.approx(0.01**2 / (1 + 0.01**2), rel=1e-12)  # only the luminance term


@pytest.mark.parametrize("scale", [1, 1 / 255])
def test_identical_images(scale):
    image = images((20, 20, 3))[1] * (np.uint8(1) if scale == 1 else scale)
    assert psnr(image, image.copy()) == math.inf
    assert ssim(image, image.copy()) == 1


@pytest.mark.parametrize("options", [{}, {"luma": False}, {"rounded": True}, {"border": 3}])
@pytest.mark.parametrize("metric", [psnr, ssim])
def test_ranges_and_kinds_agree(metric, options):
    sr, hr = images((24, 31, 3))
    expected = metric(sr, hr, **options)
    assert metric(sr / 255, hr / 255, **options) == pytest.approx(expected, abs=1e-9)
    assert metric(to_tensor(sr), to_tensor(hr), **options) == expected
    assert metric(to_tensor(sr)[0], hr, **options) == expected
    unit = to_tensor(sr / 255).requires_grad_(), to_tensor(hr / 255)
    assert metric(*unit, **options) == pytest.approx(expected, abs=1e-9)
    assert metric(*(x.float() for x in unit), **options) == pytest.approx(expected, abs=1e-4)
    assert isinstance(expected, float)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_a_batch_gives_the_mean_of_its_images(metric):
    pairs = [images((16, 18, 3), seed) for seed in range(3)]
    sr, hr = (torch.cat([to_tensor(image) for image in side]) for side in zip(*pairs, strict=True))
    assert metric(sr, hr) == pytest.approx(np.mean([metric(x, y) for x, y in pairs]), abs=1e-12)


def test_floats_are_neither_clipped_nor_rounded():
    hr = np.full((12, 12), 1.0)
    assert psnr(hr + 0.1, hr) == pytest.approx(20, abs=1e-10)
    assert psnr(hr + 1e-4, hr) == pytest.approx(80, abs=1e-6)
    assert math.isnan(psnr(hr * math.nan, hr))


GRAY = np.zeros((16, 16), dtype=np.uint8)
RGB = np.zeros((16, 16, 3), dtype=np.uint8)


@pytest.mark.parametrize("metric", [psnr, ssim])
@pytest.mark.parametrize(
    ("sr", "hr", "options", "message"),
    [
        (GRAY, GRAY[:, 1:], {}, r"differ in size: \(16, 16\) and \(16, 15\)$"),
        (GRAY, RGB, {}, r"differ in size: \(16, 16\) and \(16, 16, 3\)$"),
        (RGB, to_tensor(RGB[1:]), {}, r"differ in size: \(16, 16, 3\) and \(1, 3, 15, 16\)$"),
        (GRAY, GRAY / 255, {}, "differ in dtype: uint8 and float64$"),
        (GRAY.astype(np.float32), GRAY.astype(np.float64), {}, "differ in dtype: float32 and float64$"),
        (GRAY, GRAY, {"border": 8}, "leaves pixels of 16x16, got 8$"),
        (GRAY, GRAY, {"border": -1}, "got -1$"),
        (GRAY, GRAY, {"border": 1.5}, "got 1.5$"),
        (GRAY.astype(np.int16), GRAY, {}, "sr must have dtype uint8 or a floating dtype, got int16$"),
        (GRAY, GRAY.astype(np.uint16), {}, "hr must have dtype .* got uint16$"),
        (GRAY, torch.zeros(1, 3, 4, 4, dtype=torch.int64), {}, "hr must have dtype .* got torch.int64$"),
        (np.zeros((16, 16, 4)), RGB, {}, r"sr must be an image with 1 or 3 channels, got shape \(16, 16, 4\)$"),
        (np.zeros((1, 16, 16, 3)), RGB, {}, r"got shape \(1, 16, 16, 3\)$"),
        (np.zeros(16), GRAY, {}, r"got shape \(16,\)$"),
        (np.float64(3), GRAY, {}, "sr must be a numpy array or a torch tensor, got float64$"),
        (GRAY, torch.zeros(16, 16, 3), {}, r"hr must be .* got shape \(16, 16, 3\)$"),
        (torch.zeros(0, 3, 8, 8), GRAY, {}, r"got shape \(0, 3, 8, 8\)$"),
        (GRAY, "hr.png", {}, "hr must be a numpy array or a torch tensor, got str$"),
        (GRAY / 1.0, GRAY + 255.0, {}, r"floating images must be in \[0, 1\], but hr reaches 255$"),
        (GRAY / 1.0, GRAY * math.nan, {}, "but hr reaches nan$"),
    ],
)
def test_bad_input_is_named(metric, sr, hr, options, message):
    with pytest.raises(ValueError, match=message):
        metric(sr, hr, **options)


def test_ssim_needs_room_for_its_window():
    assert ssim(GRAY, GRAY, border=2) == 1
    with pytest.raises(ValueError, match="SSIM needs 11x11 pixels, got 10x10 after border=3$"):
        ssim(GRAY, GRAY, border=3)


def known_answers():
    with GOLDEN.open() as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            yield pytest.param(row, id="-".join(row[key] for key in ("set", "scale", "grey", "rounded")))


@cache
def bicubic(folder, scale):
    """Pairs of an image, made small and large again, and the original."""
    pairs = []
    for path in sorted(folder.glob("*.png")):
        with Image.open(path) as file:
            hr = np.asarray(file)
        height, width = (n - n % scale for n in hr.shape[:2])
        hr = hr[:height, :width]
        pairs.append((imresize(imresize(hr, 1 / scale), scale), hr))
    return pairs


@pytest.mark.parametrize("row", list(known_answers()))
def test_bicubic_baseline(row):
    folder = DATA / row["set"]
    if not folder.is_dir():
        pytest.skip(f"the images of {row['set']} are not in ../shared/data")
    scale = int(row["scale"])
    pairs = bicubic(folder, scale)
    assert len(pairs) == int(row["set"].removeprefix("Set"))
    if row["grey"] == "rgb":
        pairs = [[np.dstack([v] * 3) if v.ndim == 2 else v for v in pair] for pair in pairs]
    options = {"border": scale, "rounded": row["rounded"] == "yes"}
    assert np.mean([psnr(*pair, **options) for pair in pairs]) == pytest.approx(float(row["psnr"]), abs=0.01)
    if row["ssim"] != "-":
        assert np.mean([ssim(*pair, **options) for pair in pairs]) == pytest.approx(float(row["ssim"]), abs=5e-4)


@pytest.mark.parametrize("channels", [2, 5, 16])
def test_images_of_many_channels_are_compared_in_all_of_them(channels):
    random = np.random.default_rng(0)
    a, b = random.random((2, 14, 13, channels))
    mse = np.mean((255 * a - 255 * b) ** 2)
    assert psnr(a, b, luma=False) == pytest.approx(10 * np.log10(255**2 / mse))
    planes = [ssim(a[..., c], b[..., c]) for c in range(channels)]
    assert ssim(a, b, luma=False) == pytest.approx(np.mean(planes))
    with pytest.raises(ValueError, match=rf"1 or 3 channels, got shape \(14, 13, {channels}\)"):
        psnr(a, b)
    with pytest.raises(ValueError, match=r"1 to 16 channels, got shape \(14, 13, 17\)"):
        psnr(random.random((14, 13, 17)), b, luma=False)
