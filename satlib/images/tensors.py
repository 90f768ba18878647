"""Pixels (H, W, C) of any dtype to tensors (I, H, W) in [0, 1], and back; I is what a network takes."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def to_tensor(pixels: npt.NDArray[Any], channels: int = 3) -> Tensor:
    """Return (H, W, 1 or I) pixels as a tensor (I, H, W) in [0, 1], float64 where they are, else float32.

    ``channels`` is I; grey is given to all of them.
    """
    white = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    wide: npt.NDArray[Any] = pixels.astype(np.float64 if pixels.dtype == np.float64 else np.float32)
    return torch.from_numpy(wide / white).permute(2, 0, 1).expand(channels, -1, -1)


def check_floats(image: Tensor, name: str = "image") -> Tensor:
    """Return a tensor of pixels in [0, 1]; levels of 0 to 255, as integers are, would be taken for far above white.

    Raises
    ------
    ValueError
        If it does not hold floats.
    """
    if not image.is_floating_point():
        raise ValueError(
            f"{name} must hold floats in [0, 1], got {image.dtype} {tuple(image.shape)}; divide levels by 255"
        )
    return image


def to_pixels(image: Tensor, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a tensor (C, H, W) as (H, W, C) pixels of ``dtype``, clipped, and rounded to integers.

    Half precision is widened first: numpy has no bfloat16, and float16 rounds 255 times a value.
    """
    wide = image.to(torch.promote_types(image.dtype, torch.float32))
    clipped = wide.permute(1, 2, 0).clamp(0, 1).numpy()
    dtype = np.dtype(dtype)
    return (np.rint(clipped * np.iinfo(dtype).max) if dtype.kind == "u" else clipped).astype(dtype)
