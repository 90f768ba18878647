"""Blur, resizing, noise and JPEG, each a function of an image and, where it is random, of a generator.

What the steps are and the numbers that they are drawn with follow Wang et al., "Real-ESRGAN: Training Real-World Blind
Super-Resolution with Pure Synthetic Data", ICCV workshops 2021; the code is ours. Its generalised Gaussian and
plateau-shaped kernels and its sinc filter are not here.

Shapes: an image is (C, H, W), floating point, about [0, 1]; a kernel is (n, n), n odd.
"""

import io
from math import cos, sin
from typing import Literal, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from satlib.resize import imresize
from satlib.support.checks import one_of, real, require

Interpolation = Literal["bicubic", "bilinear", "area"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)

LEVELS = 256
"""Photons of a full pixel in Poisson noise of scale 1."""
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601)."""


def gaussian_kernel(side: int, sigma_x: float, sigma_y: float, angle: float = 0.0) -> Tensor:
    """Return a Gaussian (side, side) float32 whose entries sum to 1.

    Parameters
    ----------
    side
        Odd.
    sigma_x, sigma_y
        Standard deviations in pixels along its two axes; equal ones make it isotropic.
    angle
        By which the first axis is turned from the row of pixels towards higher row numbers, in radians.

    Raises
    ------
    ValueError
        If the side is even or not positive, or a standard deviation is not positive.
    """
    require(isinstance(side, int) and side > 0 and side % 2 == 1, "side", side, "an odd positive integer")
    real("sigma_x", sigma_x, 0)
    real("sigma_y", sigma_y, 0)
    place = torch.arange(side, dtype=torch.float64) - side // 2
    row, column = torch.meshgrid(place, place, indexing="ij")
    along, across = column * cos(angle) + row * sin(angle), row * cos(angle) - column * sin(angle)
    kernel = torch.exp(-0.5 * ((along / sigma_x) ** 2 + (across / sigma_y) ** 2))
    return (kernel / kernel.sum()).float()


def blur(image: Tensor, kernel: Tensor) -> Tensor:
    """Filter every channel with a kernel (n, n); beyond the edges the image is mirrored, edge pixel included."""
    image = _checked(image)
    sides = [_mirrored(n, kernel.shape[0] // 2) for n in image.shape[1:]]
    wide = image[:, sides[0]][:, :, sides[1]]
    return functional.conv2d(wide[:, None], kernel.to(image)[None, None])[:, 0]


def resize(image: Tensor, size: tuple[int, int], how: Interpolation = "bicubic") -> Tensor:
    """Resize to (height, width) without aliasing: "bicubic" as MATLAB's imresize, or torch's "bilinear" or "area".

    Raises
    ------
    ValueError
        If the size is not positive or ``how`` is none of them.
    """
    image = _checked(image)
    one_of("how", how, INTERPOLATIONS)
    require(min(size) >= 1, "size", size, "positive")
    if how == "bicubic":
        return imresize(image, size=size)
    if how == "area":
        return functional.interpolate(image[None], size=size, mode="area")[0]
    return functional.interpolate(image[None], size=size, mode="bilinear", antialias=True, align_corners=False)[0]


def gaussian_noise(image: Tensor, sigma: float, generator: torch.Generator, *, gray: bool = False) -> Tensor:
    """Add noise of standard deviation ``sigma``, in units of the image; ``gray``: the same in all channels.

    Raises
    ------
    ValueError
        If ``sigma`` is out of its range.
    """
    real("sigma", sigma, 0, closed=True)
    image = _checked(image)
    noise = torch.randn(1 if gray else len(image), *image.shape[1:], generator=generator, dtype=image.dtype)
    return image + sigma * noise


def poisson_noise(image: Tensor, scale: float, generator: torch.Generator, *, gray: bool = False) -> Tensor:
    """Add noise as of counted photons: mean 0 and variance scale^2 x / 256 for a pixel x.

    ``gray``: that of the image in grey, the same in all channels. Pixels outside of [0, 1] make the noise of the end.

    Raises
    ------
    ValueError
        If ``scale`` is out of its range.
    """
    real("scale", scale, 0, closed=True)
    image = _checked(image)
    light = image.clamp(0, 1)
    if gray and len(image) == 3:
        light = (light * light.new_tensor(LUMA).view(3, 1, 1)).sum(0, keepdim=True)
    counted = torch.poisson(light * LEVELS, generator=generator)
    return image + scale * (counted / LEVELS - light)


def jpeg(image: Tensor, quality: int) -> Tensor:
    """Return what is left of an image after JPEG, by Pillow's encoder with its usual 4:2:0 subsampling of colour.

    Pixels are clipped to [0, 1] and rounded to 8 bits before.

    Parameters
    ----------
    image
        (3, H, W) or (1, H, W).
    quality
        1 (worst) to 95.

    Raises
    ------
    ValueError
        If the quality is outside that range, or the image has another number of channels.
    """
    image = _checked(image)
    require(isinstance(quality, int) and 1 <= quality <= 95, "quality", quality, "an integer in 1..95")
    require(len(image) in (1, 3), "image", tuple(image.shape), "of 1 or 3 channels")
    pixels = to_bytes(image).permute(1, 2, 0).numpy()
    stream = io.BytesIO()
    Image.fromarray(pixels[..., 0] if len(image) == 1 else pixels).save(stream, "JPEG", quality=quality)
    with Image.open(stream) as decoded:
        found = torch.from_numpy(np.array(decoded))
    return (found[None] if len(image) == 1 else found.permute(2, 0, 1)).to(image.dtype) / 255


def to_bytes(image: Tensor) -> Tensor:
    """Clip to [0, 1] and round to uint8."""
    return (image.clamp(0, 1) * 255).round().to(torch.uint8)


def _checked(image: Tensor) -> Tensor:
    if image.ndim != 3 or 0 in image.shape or not image.is_floating_point():
        raise ValueError(f"image must be floating point (C, H, W), not empty; got {image.dtype} {tuple(image.shape)}")
    return image


def _mirrored(length: int, border: int) -> Tensor:
    """Return the places of an axis with a border on both sides that mirrors it, as often as needed."""
    place = torch.arange(-border, length + border) % (2 * length)
    return torch.where(place < length, place, 2 * length - 1 - place)
