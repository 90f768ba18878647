"""Luma of ITU-R BT.601 in limited range, the Y on which super-resolution papers measure PSNR and SSIM.

Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255 for 8-bit R, G, B: from 16 for black to 235 for white. Two
conventions are in use. BasicSR keeps Y as it is; MATLAB's ``rgb2ycbcr`` on a uint8 image rounds it to uint8.
The other two channels of YCbCr are not here.
"""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from satlib.support.arrays import plain_array

ImageT = TypeVar("ImageT", npt.NDArray[Any], torch.Tensor)

ARRAY_DTYPES = ("uint8", "float32", "float64")


def luma(image: ImageT, *, rounded: bool = False) -> ImageT:
    """Return the BT.601 limited-range Y of an RGB image; a grey image is its own Y.

    Parameters
    ----------
    image
        Array (H, W), (H, W, 1) or (H, W, 3) of uint8, float32 or float64, or tensor (..., 1 or 3, H, W) of
        uint8 or any floating dtype. uint8 means [0, 255], floating means [0, 1]; nothing is clipped.
    rounded
        Round Y to a multiple of one 8-bit level, halves up (for uint8 without any floating-point error).

    Returns
    -------
    array (H, W) or tensor (..., 1, H, W)
        From uint8: uint8 if ``rounded``, else float64, in [16, 235]. From a floating dtype: the same dtype,
        in [16/255, 235/255]. The values of a grey image are not compressed to that range: black stays 0.
        Tensors stay on their device; unrounded Y of a floating tensor is differentiable.

    Raises
    ------
    ValueError
        For another kind, dtype or shape.
    """
    if isinstance(image, torch.Tensor):
        return _luma(image, rounded)
    if not isinstance(image, np.ndarray):
        raise ValueError(f"image must be a numpy array or a torch tensor, got {type(image).__name__}")
    image = plain_array(image, "image")
    if image.dtype.name not in ARRAY_DTYPES:
        raise ValueError(f"image must have dtype {', '.join(ARRAY_DTYPES)}, got {image.dtype}")
    if image.ndim != 2 and (image.ndim != 3 or image.shape[-1] not in (1, 3)):
        raise ValueError(f"image must have shape (H, W), (H, W, 1) or (H, W, 3), got {image.shape}")
    planes = image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)
    y: npt.NDArray[Any] = _luma(torch.from_numpy(planes.copy()), rounded)[0].numpy()
    return y


def _luma(image: torch.Tensor, rounded: bool) -> torch.Tensor:
    eight_bit = image.dtype == torch.uint8
    if not eight_bit and not image.is_floating_point():
        raise ValueError(f"image must have dtype uint8 or a floating dtype, got {image.dtype}")
    if image.ndim < 3 or image.shape[-3] not in (1, 3):
        raise ValueError(f"image must have shape (..., 1 or 3, H, W), got {tuple(image.shape)}")
    level = 1.0 if eight_bit else 1 / 255
    y = image.double() if eight_bit else image.to(torch.promote_types(image.dtype, torch.float32))
    if image.shape[-3] == 3:
        red, green, blue = y.unbind(-3)
        # In thousandths the sum is an integer for uint8, and the quotient of two integers keeps exact halves.
        y = ((65481 * red + 128553 * green + 24966 * blue) / 255000 + 16 * level).unsqueeze(-3)
    if rounded:
        y = torch.floor(y / level + 0.5) * level
    if eight_bit:
        return y.to(torch.uint8) if rounded else y
    return y.to(image.dtype)
