"""How benchmarks make low resolution: crop to a multiple of the scale, then MATLAB's bicubic, rounded to 8 bits."""

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from satlib.resize import imresize
from satlib.support.checks import integers, require


def crop_to_multiple(image: npt.NDArray[np.uint8], scale: int) -> npt.NDArray[np.uint8]:
    """Return the image (H, W[, C]) without what is no multiple of ``scale`` at the right and bottom: "modcrop".

    Raises
    ------
    ValueError
        If nothing would be left, or ``scale`` is no positive integer.
    """
    integers("scale", scale)
    require(scale >= 1, "scale", scale, "at least 1")
    height, width = image.shape[0] // scale * scale, image.shape[1] // scale * scale
    if not height or not width:
        raise ValueError(f"an image of {image.shape[0]} x {image.shape[1]} pixels is too small for scale {scale}")
    return image[:height, :width]


def downscale(image: npt.NDArray[np.uint8], scale: int) -> npt.NDArray[np.uint8]:
    """Return the low-resolution version of an image (H, W[, C]), (H // scale, W // scale[, C])."""
    low: npt.NDArray[np.uint8] = imresize(crop_to_multiple(image, scale), 1 / scale)
    return low


def low_resolution(photo: Image.Image, side: int = 96) -> Tensor:
    """Return a photograph as a small image (3, H, W) in [0, 1], its longer side at most ``side`` pixels.

    Shrunk by MATLAB's bicubic, which makes the low-resolution images of the benchmarks. A smaller one stays as it is.

    Raises
    ------
    ValueError
        If ``side`` is no positive integer.
    """
    integers("side", side)
    if side < 1:
        raise ValueError(f"side must be positive, got {side}")
    array = np.asarray(photo.convert("RGB"))
    scale = min(1.0, side / max(array.shape[:2]))
    height, width = (max(1, round(scale * n)) for n in array.shape[:2])
    small = imresize(array, size=(height, width))
    return torch.from_numpy(small.copy()).permute(2, 0, 1).float() / 255  # (H, W, 3) -> (3, H, W)
