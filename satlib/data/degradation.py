"""How benchmarks make low resolution: crop to a multiple of the scale, then MATLAB's bicubic, rounded to 8 bits."""

import numpy as np
import numpy.typing as npt

from satlib.resize import imresize


def crop_to_multiple(image: npt.NDArray[np.uint8], scale: int) -> npt.NDArray[np.uint8]:
    """Return the image (H, W[, C]) without what is no multiple of ``scale`` at the right and bottom: "modcrop".

    Raises
    ------
    ValueError
        If nothing would be left.
    """
    height, width = image.shape[0] // scale * scale, image.shape[1] // scale * scale
    if not height or not width:
        raise ValueError(f"an image of {image.shape[0]} x {image.shape[1]} pixels is too small for scale {scale}")
    return image[:height, :width]


def downscale(image: npt.NDArray[np.uint8], scale: int) -> npt.NDArray[np.uint8]:
    """Return the low-resolution version of an image (H, W[, C]), (H // scale, W // scale[, C])."""
    low: npt.NDArray[np.uint8] = imresize(crop_to_multiple(image, scale), 1 / scale)
    return low
