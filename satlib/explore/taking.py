"""What an explorer is given: any image, made small, and any network. What it cannot use is refused here, by name."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from satlib.checkpoint import load
from satlib.inference import to_tensor
from satlib.model import SAT
from satlib.patches import low_resolution
from satlib.picture import PIL_MODES
from satlib.resize import imresize
from satlib.upscaling import as_picture

SIDE = 96
"""Longer side of the image that an explorer works on; larger ones are shrunk to it."""

ImageLike = Tensor | str | PathLike[str] | Image.Image | npt.NDArray[Any]
ModelLike = SAT | str | PathLike[str]


def small_image(image: ImageLike, side: int | None = SIDE) -> Tensor:
    """Return an image as a tensor (3, H, W) of float32 in [0, 1], the longer side at most ``side`` pixels.

    Parameters
    ----------
    image
        A path; a PIL image of any mode; an array (H, W) or (H, W, C), C in 1..4, of
        uint8, uint16 or floats in [0, 1]; or a floating tensor (3, H, W), which is clipped to [0, 1], NaN to 0. Alpha
        is left out. Eight-bit images are shrunk as :func:`satlib.patches.low_resolution` does.
    side
        ``None`` leaves the size.

    Raises
    ------
    ValueError, OSError
        One line that names what is wrong with the image or the file.
    """
    full = clipped(image) if isinstance(image, Tensor) else colour_pixels(image)
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


def colour_pixels(image: str | PathLike[str] | Image.Image | npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the upright pixels (H, W, 1 or 3) of an image, without alpha, in their own dtype."""
    if not isinstance(image, (str, PathLike, Image.Image, np.ndarray)):
        kinds = "a path, a PIL image, an array or a tensor (3, H, W)"
        raise ValueError(f"image must be {kinds}, got {type(image).__name__}")
    if isinstance(image, Image.Image) and not (image.mode in PIL_MODES or image.mode.startswith("I;16")):
        image = image.convert("RGB")  # as Pillow does; in modes I and F, what exceeds 255 is white
    picture = as_picture(image)
    return picture.pixels[..., :-1] if picture.has_alpha else picture.pixels


def network(model: ModelLike | None) -> SAT | None:
    """Return a network by itself, by a bundled name ("sat-tiny-x2") or a file of weights; ``None`` for none.

    Raises
    ------
    ValueError, OSError
        If it is something else, or as :func:`satlib.load`.
    """
    if model is None or isinstance(model, SAT):
        return model
    if isinstance(model, (str, PathLike)):
        return load(Path(model))
    what = "a SAT, a name such as 'sat-tiny-x2', a file of weights or None"
    raise ValueError(f"model must be {what}, got {type(model).__name__}")


def batch_for(model: SAT, image: Tensor) -> Tensor:
    """Return an image (3, H, W) as a batch of one, on the device and in the dtype of the network."""
    parameter = next(model.parameters())
    return image.unsqueeze(0).to(parameter.device, parameter.dtype)


def at_home(values: Tensor) -> Tensor:
    """Return a network's values on the CPU, in float32 at least."""
    return values.to("cpu", torch.promote_types(values.dtype, torch.float32))
