"""`satlib.analysis.patch_features` against slow loops."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from satlib import samples
from satlib.analysis.patch_features import patch_features
from satlib.images.degradation import low_resolution
from satlib.resize import imresize


def slow_features(image: torch.Tensor, size: int) -> torch.Tensor:
    """Return (H*W, 3*size*size): for each pixel and channel the colours of its patch, minus the channel's mean."""
    _, height, width = image.shape
    means = [image[c].sum() / (height * width) for c in range(3)]
    half, rows = size // 2, []
    for y in range(height):
        for x in range(width):
            values = []
            for c in range(3):
                for dy in range(-half, half + 1):
                    for dx in range(-half, half + 1):
                        inside = min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)
                        values.append(image[c][inside] - means[c])
            rows.append(torch.stack(values))
    return torch.stack(rows)


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 7), width=st.integers(1, 7), size=st.sampled_from([1, 3, 5]), seed=st.integers(0, 99))
def test_patch_features_equal_slow_loops(height: int, width: int, size: int, seed: int) -> None:
    images = torch.rand(2, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    expected = torch.stack([slow_features(image, size) for image in images])
    torch.testing.assert_close(patch_features(images, size), expected, rtol=0, atol=1e-12)


def test_patch_features_of_a_constant_image_are_zero() -> None:
    assert patch_features(torch.full((1, 3, 5, 4), 0.25)).abs().max() == 0


@pytest.mark.parametrize("shape", [(3, 4, 4), (1, 1, 4, 4), (1, 3, 0, 4)])
def test_patch_features_name_a_wrong_image(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="image must be"):
        patch_features(torch.zeros(shape))


def test_patch_features_name_a_wrong_kind_and_size() -> None:
    with pytest.raises(ValueError, match="int64"):
        patch_features(torch.zeros(1, 3, 4, 4, dtype=torch.int64))
    for size in (0, 2, -3):
        with pytest.raises(ValueError, match=f"size must be odd and positive, got {size}"):
            patch_features(torch.zeros(1, 3, 4, 4), size)


def test_low_resolution_is_the_bicubic_of_the_benchmarks() -> None:
    photo = samples.load("astronaut")  # 192 x 240
    image = low_resolution(photo, side=60)
    expected = imresize(np.asarray(photo.convert("RGB")), 0.25)
    assert image.shape == (3, 60, 48)
    assert image.dtype == torch.float32
    assert torch.equal((image * 255).round().byte().permute(1, 2, 0), torch.from_numpy(expected))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_low_resolution_takes_every_mode_and_leaves_small_images(mode: str) -> None:
    image = low_resolution(Image.new(mode, (5, 3)), side=96)
    assert image.shape == (3, 3, 5)


def test_low_resolution_keeps_at_least_one_pixel() -> None:
    assert low_resolution(Image.new("RGB", (400, 1)), side=10).shape == (3, 1, 10)
    with pytest.raises(ValueError, match="side must be positive, got 0"):
        low_resolution(Image.new("RGB", (4, 4)), side=0)
