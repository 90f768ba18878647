"""Images as users hand them in: a path, a PIL image, an array or a tensor becomes a picture or a small tensor."""

from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from satlib.images.degradation import low_resolution
from satlib.images.files import read
from satlib.images.picture import MAX_PIXELS, Picture, from_array
from satlib.images.pil_images import CONVERTED, PIL_MODES, from_pil
from satlib.images.tensors import to_tensor
from satlib.resize import imresize
from satlib.support.arrays import plain_array
from satlib.support.paths import as_path

SIDE = 96
"""Longer side of the image that an explorer works on; larger ones are shrunk to it."""

ImageLike = Tensor | str | PathLike[str] | Image.Image | npt.NDArray[Any]


def as_picture(image: str | PathLike[str] | Image.Image | npt.NDArray[Any], max_pixels: int = MAX_PIXELS) -> Picture:
    """Take a path, a PIL image or an array, as :func:`satlib.upscale` does.

    Raises
    ------
    ValueError, OSError
        One line that names what is wrong with the image.
    """
    if isinstance(image, np.ndarray):
        return from_array(plain_array(image, "image"), max_pixels=max_pixels)
    if isinstance(image, Image.Image):
        return from_pil(image, max_pixels=max_pixels)
    if isinstance(image, (str, PathLike)):
        return read(as_path(image, "image"), max_pixels=max_pixels)
    raise ValueError(f"image must be a path, a PIL image or a numpy array, got {type(image).__name__}")


def small_image(image: ImageLike, side: int | None = SIDE) -> Tensor:
    """Return an image as a tensor (3, H, W) of float32 in [0, 1], the longer side at most ``side`` pixels.

    Parameters
    ----------
    image
        A path; a PIL image of any mode; an array (H, W) or (H, W, C), C in 1..4, of
        uint8, uint16 or floats in [0, 1]; or a floating tensor (3, H, W), which is clipped to [0, 1], NaN to 0. Alpha
        is left out. Eight-bit images are shrunk as :func:`satlib.images.degradation.low_resolution` does.
    side
        ``None`` leaves the size.

    Raises
    ------
    ValueError, OSError
        One line that names what is wrong with the image or the file.
    """
    full = clipped(image) if isinstance(image, Tensor) else color_pixels(image)
    if isinstance(full, np.ndarray):
        if full.dtype == np.uint8:
            photo = Image.fromarray(np.ascontiguousarray(np.broadcast_to(full, (*full.shape[:2], 3))))
            return low_resolution(photo, side or max(photo.size))
        full = to_tensor(full).float()
    scale = min(1.0, (side or max(full.shape)) / max(full.shape[1:]))
    if scale == 1:
        return full.contiguous()
    height, width = (max(1, round(scale * n)) for n in full.shape[1:])
    return imresize(full, size=(height, width)).clamp(0, 1)


def clipped(image: Tensor) -> Tensor:
    """Return a tensor (3, H, W) on the CPU as float32 in [0, 1]; ValueError for another shape or for integers."""
    if image.ndim != 3 or image.shape[0] != 3 or 0 in image.shape or not image.is_floating_point():
        raise ValueError(f"image must be a floating tensor (3, H, W), got {image.dtype} {tuple(image.shape)}")
    return image.detach().cpu().float().nan_to_num(0).clamp(0, 1)


def color_pixels(image: str | PathLike[str] | Image.Image | npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the upright pixels (H, W, 1 or 3) of an image, without alpha, in their own dtype.

    Raises
    ------
    ValueError
        If the image is of another kind.
    """
    if not isinstance(image, (str, PathLike, Image.Image, np.ndarray)):
        kinds = "a path, a PIL image, an array or a tensor (3, H, W)"
        raise ValueError(f"image must be {kinds}, got {type(image).__name__}")
    if isinstance(image, Image.Image) and not (image.mode in (*PIL_MODES, *CONVERTED) or image.mode.startswith("I;16")):
        image = image.convert("RGB")  # as Pillow does; in modes I and F, what exceeds 255 is white
    picture = as_picture(image)
    return picture.pixels[..., :-1] if picture.has_alpha else picture.pixels
