"""Degradations against known answers and slow sums; what is drawn, and that a seed fixes it."""

import io
from math import exp, pi

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from satlib import samples
from satlib.data.degradation import (
    PRESETS,
    Pass,
    blur,
    degrade,
    gaussian_kernel,
    gaussian_noise,
    jpeg,
    passes_of,
    poisson_noise,
    resize,
)
from satlib.resize import imresize

PHOTO = torch.from_numpy(np.array(samples.load("coffee"))[:96, :120]).permute(2, 0, 1).float() / 255
STILL = {"blur": 0.0, "up": 0.0, "down": 0.0, "noise": 0.0, "jpeg": None}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def image(height, width, channels=3, seed=0):
    return torch.rand(channels, height, width, generator=seeded(seed), dtype=torch.float64)


# Blur ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "sigma"), [(1, 1.0), (5, 0.7), (21, 3.0)])
def test_an_isotropic_kernel_is_the_outer_product_of_its_axis(side, sigma):
    axis = torch.tensor([exp(-0.5 * ((i - side // 2) / sigma) ** 2) for i in range(side)])
    axis = axis / axis.sum()
    for angle in (0.0, 0.4):
        torch.testing.assert_close(gaussian_kernel(side, sigma, sigma, angle), torch.outer(axis, axis))


def test_an_anisotropic_kernel_has_its_variances_along_its_axes():
    kernel = gaussian_kernel(41, 4.0, 1.5, pi / 6).double()
    place = torch.arange(41).double() - 20
    row, column = torch.meshgrid(place, place, indexing="ij")
    for angle, sigma in ((pi / 6, 4.0), (pi / 6 + pi / 2, 1.5)):
        along = column * np.cos(angle) + row * np.sin(angle)
        assert float((kernel * along**2).sum()) == pytest.approx(sigma**2, rel=1e-3)
    torch.testing.assert_close(gaussian_kernel(9, 2.0, 1.0, pi / 2), gaussian_kernel(9, 1.0, 2.0))


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (17, 30)])
def test_blur_is_that_of_scipy(size):
    """scipy's "reflect" mirrors with the edge pixel; its kernel of radius 10 is cut where ours of side 21 is."""
    x = image(*size)
    found = blur(x, gaussian_kernel(21, 2.5, 2.5))
    expected = np.stack([ndimage.gaussian_filter(channel, 2.5, mode="reflect", truncate=4) for channel in x.numpy()])
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 3), (5, 7)])
def test_blur_agrees_with_the_sum_over_its_kernel(size):
    x, kernel = image(*size, channels=1), gaussian_kernel(5, 2.0, 0.8, 0.3).double()

    def pixel(row, column):
        def inside(place, length):
            place %= 2 * length
            return place if place < length else 2 * length - 1 - place

        return sum(
            float(kernel[i, j] * x[0, inside(row + i - 2, size[0]), inside(column + j - 2, size[1])])
            for i in range(5)
            for j in range(5)
        )

    expected = [[[pixel(row, column) for column in range(size[1])] for row in range(size[0])]]
    torch.testing.assert_close(blur(x, kernel), torch.tensor(expected, dtype=torch.float64))


# Resizing, noise, JPEG -----------------------------------------------------------------------------------------------


def test_resizing_by_each_way():
    x = image(12, 18)
    assert torch.equal(resize(x, (6, 9)), imresize(x, size=(6, 9)))
    torch.testing.assert_close(resize(x, (6, 9), "area"), x.unfold(1, 2, 2).unfold(2, 2, 2).mean((3, 4)))
    constant = torch.full((3, 12, 18), 0.25)
    for how in ("bicubic", "bilinear", "area"):
        for size in ((5, 7), (12, 18), (1, 1), (30, 20)):
            torch.testing.assert_close(resize(constant, size, how), torch.full((3, *size), 0.25))


@pytest.mark.parametrize("gray", [False, True])
def test_gaussian_noise_has_its_mean_and_deviation(gray):
    noise = gaussian_noise(torch.full((3, 300, 300), 0.5), 0.1, seeded(), gray=gray) - 0.5
    assert float(noise.mean()) == pytest.approx(0, abs=2e-3) and float(noise.std()) == pytest.approx(0.1, rel=0.02)
    assert torch.equal(noise[0], noise[1]) == gray
    assert torch.equal(gaussian_noise(PHOTO, 0.0, seeded()), PHOTO)


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize(("level", "scale"), [(0.1, 1.0), (0.6, 3.0)])
def test_poisson_noise_grows_with_the_light(level, scale, gray):
    """A counted Poisson number of 256 x has variance 256 x; divided by 256, x / 256."""
    noise = poisson_noise(torch.full((3, 300, 300), level), scale, seeded(), gray=gray) - level
    assert float(noise.mean()) == pytest.approx(0, abs=2e-3)
    assert float(noise.std()) == pytest.approx(scale * (level / 256) ** 0.5, rel=0.02)
    assert torch.equal(noise[0], noise[1]) == gray


def test_poisson_noise_with_scale_1_is_counted():
    found = poisson_noise(image(20, 20), 1.0, seeded()) * 256
    torch.testing.assert_close(found, found.round())
    assert float(poisson_noise(torch.zeros(3, 9, 9), 3.0, seeded()).abs().max()) == 0


@pytest.mark.parametrize("quality", [1, 30, 95])
def test_jpeg_is_pillows(quality):
    stream = io.BytesIO()
    Image.fromarray((PHOTO * 255).byte().permute(1, 2, 0).numpy()).save(stream, "JPEG", quality=quality)
    with Image.open(stream) as decoded:
        expected = torch.from_numpy(np.array(decoded)).permute(2, 0, 1)
    assert torch.equal((jpeg(PHOTO, quality) * 255).round().byte(), expected)
    assert jpeg(PHOTO[:1], quality).shape == (1, 96, 120)


def test_jpeg_keeps_a_constant_and_loses_less_with_quality():
    constant = torch.full((3, 9, 11), 100 / 255)
    torch.testing.assert_close(jpeg(constant, 50), constant, atol=1.5 / 255, rtol=0)
    lost = [float((jpeg(PHOTO, quality) - PHOTO).abs().mean()) for quality in (10, 50, 95)]
    assert lost == sorted(lost, reverse=True)


# Passes --------------------------------------------------------------------------------------------------------------


def test_a_pass_that_does_nothing_leaves_the_last_resizing():
    x = image(12, 18).float()
    ways = [resize(x, (6, 9), how).clamp(0, 1) for how in ("bicubic", "bilinear", "area")]
    found = [degrade(x, 2, [Pass(**STILL)], seeded(seed)) for seed in range(20)]
    assert {next(i for i, way in enumerate(ways) if torch.equal(y, way)) for y in found} == {0, 1, 2}
    assert torch.equal(degrade(x, 1, [Pass(**STILL)] * 2, seeded()), x)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"blur": 1.0, "sigma": (2.0, 2.0), "anisotropic": 0.0}, blur(PHOTO, gaussian_kernel(21, 2.0, 2.0))),
        ({"jpeg": (40, 40)}, jpeg(PHOTO, 40)),
    ],
)
def test_a_pass_of_one_step_is_that_step(fields, expected):
    found = degrade(PHOTO, 1, [Pass(**{**STILL, **fields})], seeded())
    torch.testing.assert_close(found, expected.clamp(0, 1))


def test_noise_of_a_pass_has_the_strength_that_was_asked_for():
    flat = torch.full((3, 200, 200), 0.5)
    for fields, deviation in (
        ({"gaussian": (25.5, 25.5), "poisson_share": 0.0}, 0.1),
        ({"poisson": (2.0, 2.0), "poisson_share": 1.0}, 2 * (0.5 / 256) ** 0.5),
    ):
        found = degrade(flat, 1, [Pass(**{**STILL, "noise": 1.0, **fields})], seeded())
        assert float(found.std()) == pytest.approx(deviation, rel=0.03)


@settings(max_examples=30)
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    scale=st.integers(1, 4),
    preset=st.sampled_from(sorted(PRESETS)),
    seed=st.integers(0, 999),
)
def test_any_size_gives_its_size_and_a_seed_fixes_it(size, scale, preset, seed):
    x = image(size[0] * scale, size[1] * scale).float()
    found = degrade(x, scale, PRESETS[preset], seeded(seed))
    assert found.shape == (3, *size) and found.min() >= 0 and found.max() <= 1
    assert torch.equal(found, degrade(x, scale, PRESETS[preset], seeded(seed)))


def test_another_seed_is_another_image_and_two_passes_lose_most():
    made = {n: [degrade(PHOTO, 2, passes, seeded(s)) for s in range(12)] for n, passes in PRESETS.items()}
    assert len({y.numpy().tobytes() for found in made.values() for y in found}) == 36
    low = imresize(PHOTO, 1 / 2)
    errors = {n: float(torch.stack([(y - low).square().mean() for y in found]).mean()) for n, found in made.items()}
    assert errors["mild"] < errors["one-pass"] < errors["two-passes"]


def test_the_number_of_threads_changes_nothing():
    before, found = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(torch.stack([degrade(PHOTO, 2, PRESETS["two-passes"], seeded(s)) for s in range(6)]))
    torch.set_num_threads(before)
    assert torch.equal(*found)


# What a configuration says -------------------------------------------------------------------------------------------


def test_passes_by_name_and_by_fields():
    assert passes_of(None) == passes_of([]) == ()
    assert passes_of("two-passes") == PRESETS["two-passes"]
    written = [made.to_dict() for made in PRESETS["two-passes"]]
    assert passes_of(written) == PRESETS["two-passes"]
    assert passes_of([{"sigma": [1, 2], "jpeg": None}]) == (Pass(sigma=(1, 2), jpeg=None),)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("real", "degradation must be one of one-pass, two-passes, mild, or a list of passes, got 'real'"),
        (3, "degradation must be one of .*, got 3"),
        ([{}, {}, {}], "degradation must be .* one or two passes"),
        ([1], "degradation must be a list of passes, each with fields and values, got 1"),
        ([{"blurr": 1}], "degradation must be made of the fields blur, .*, got 'blurr'"),
        ([{"blur": 1.5}], "blur must be a number >= 0 and <= 1, got 1.5"),
        ([{"up": 0.6, "down": 0.6}], "up must be at most 1 - down = 0.4, got 0.6"),
        ([{"sigma": 1.0}], "sigma must be two numbers, lowest and highest, got 1.0"),
        ([{"sigma": [0, 1]}], "sigma must be a number >= 0.001, got 0"),
        ([{"gaussian": [9, 1]}], r"gaussian must be the lowest number first, got \[9, 1\]"),
        ([{"resize": [1.2, 1.5]}], "resize must be two factors with 1 between them"),
        ([{"kernel": 4}], "kernel must be odd, got 4"),
        ([{"jpeg": [30, 99]}], r"jpeg must be two integers in 1\.\.95"),
        ([{"jpeg": [30.5, 90]}], r"jpeg must be two integers in 1\.\.95"),
    ],
)
def test_bad_passes_are_named(value, said):
    with pytest.raises(ValueError, match=said):
        passes_of(value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: gaussian_kernel(4, 1.0, 1.0), "side must be an odd positive integer, got 4"),
        (lambda: gaussian_kernel(5, 0.0, 1.0), "sigma_x must be a number > 0, got 0.0"),
        (lambda: blur(torch.zeros(3, 0, 2), torch.ones(1, 1)), "image must be floating point"),
        (lambda: resize(PHOTO, (0, 3)), "size must be positive"),
        (lambda: resize(PHOTO, (3, 3), "lanczos"), "how must be one of"),
        (lambda: gaussian_noise(PHOTO, -1.0, seeded()), "sigma must be a number >= 0, got -1.0"),
        (lambda: jpeg(PHOTO, 0), r"quality must be an integer in 1\.\.95, got 0"),
        (lambda: jpeg(torch.zeros(2, 3, 3), 50), "image must be of 1 or 3 channels"),
        (lambda: degrade(PHOTO, 7, PRESETS["one-pass"], seeded()), "scale must be a divisor of 96 and 120, got 7"),
        (lambda: degrade(PHOTO, 2, [], seeded()), "passes must be at least one"),
    ],
)
def test_bad_arguments_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
