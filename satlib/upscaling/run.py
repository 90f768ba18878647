"""A picture through what upscales: whole or in tiles, once or in eight orientations.

A network takes RGB in [0, 1]. Grey goes in as three equal channels, and the three that come out are averaged; into a
network for grey, which takes nothing else, it goes as it is. Alpha is upscaled beside the colour by bicubic
interpolation, and colour that it hides is filled from what is visible.
Results are clipped to [0, 1] and, for integer pixels, rounded.

Shapes: C channels, I those of the network, H, W image height and width, s the scale.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from satlib.images.alpha import visible_color
from satlib.images.picture import Picture
from satlib.images.tensors import to_pixels, to_tensor
from satlib.network.model import SAT
from satlib.resize import imresize
from satlib.support.errors import is_out_of_memory
from satlib.support.progress import Progress, Report, silent
from satlib.upscaling.finite import check_finite, check_output
from satlib.upscaling.memory import bytes_available, bytes_needed
from satlib.upscaling.models import Bicubic, Unrestored, Upscaler, channels_of, for_inference, weight_of
from satlib.upscaling.precision import Format, computing
from satlib.upscaling.tiles import run_tiles
from satlib.upscaling.tiling import WHOLE, Precision, Tiling

AUTO_MIN_TILE = 64
"""Where "auto" stops halving the tiles, or at four overlaps if that is more."""


def upscale_picture(
    picture: Picture, model: Upscaler, tiling: Tiling = WHOLE, *, progress: Progress = silent
) -> Picture:
    """Upscale a picture, as :func:`satlib.upscale` does.

    ``progress`` is told the tiles that are done and all. The baseline interpolates integers as MATLAB does, in one go.

    Raises
    ------
    ValueError
        If the picture's channels are not what the network takes, or what it gives is not s times the size.
    """
    pixels = picture.pixels
    if isinstance(model, Unrestored):
        return picture
    plain = visible_color(pixels) if picture.has_alpha else pixels
    alpha = pixels[..., -1:] if picture.has_alpha else pixels[..., :0]
    if isinstance(model, Bicubic):
        return picture.with_pixels(_bicubic(np.concatenate((plain, alpha), axis=2), model.scale))
    check_channels(plain.shape[2], channels_of(model))
    color = to_tensor(plain, channels_of(model))
    with torch.inference_mode(), progress("tiles") as report:
        upscaled = _run(color, for_inference(model), tiling, report)
    gray = plain.shape[2] == 1
    out = to_pixels(upscaled.mean(0, keepdim=True) if gray else upscaled, pixels.dtype)
    if picture.has_alpha:
        out = np.concatenate((out, _bicubic(alpha, model.scale)), axis=2)
    return picture.with_pixels(out)


def check_channels(has: int, takes: int) -> None:
    """Raise ValueError unless an image of 1 (grey) or 3 (RGB) channels goes through a network that takes ``takes``."""
    if takes == 1 and has == 3:
        raise ValueError("the network takes images of 1 channel, grey, got one of 3; make it grey first")
    if takes not in (1, 3):
        raise ValueError(
            f"the network takes images of {takes} channels, got one of {has}; call the network itself with a tensor "
            f"(B, {takes}, H, W)"
        )


def _bicubic(pixels: npt.NDArray[Any], scale: int) -> npt.NDArray[Any]:
    """Interpolate (H, W, C) pixels of any kind within their range, one channel at a time to save memory."""
    height, width, channels = pixels.shape
    out = np.empty((height * scale, width * scale, channels), pixels.dtype)
    for channel in range(channels):
        plane = pixels[..., channel]
        resized = imresize(plane.astype(np.float32) if plane.dtype == np.float16 else plane, scale)
        out[..., channel] = resized if plane.dtype.kind == "u" else resized.clip(0, 1)
    return out


def _run(color: Tensor, model: Upscaler, tiling: Tiling, report: Report) -> Tensor:
    """Upscale (I, H, W) to (I, sH, sW), on the CPU."""
    weight = weight_of(model)
    color = color.to(torch.promote_types(weight.dtype, torch.float32))
    height, width = color.shape[1:]
    number_format = choose_format(model, (height, width), tiling.precision)

    def once(x: Tensor) -> Tensor:
        with computing(number_format, weight.device):
            batch = x.to(weight.device, weight.dtype)[None]
            made = model(batch)
            check_output(made, model, batch)
            out = made[0].to(color)  # back in its dtype and on the CPU
            check_finite(out, model, batch)
        return out

    def in_tiles(side: int) -> Tensor:
        run = eightfold(once) if tiling.ensemble else once
        return run_tiles(color, run, scale=model.scale, tile=side, overlap=tiling.overlap, report=report)

    if tiling.tile != "auto":
        return in_tiles(tiling.tile or max(height, width))
    smallest = max(AUTO_MIN_TILE, 4 * tiling.overlap)
    return halving(in_tiles, first_side(model, (height, width), smallest, number_format), smallest)


def choose_format(model: Upscaler, size: tuple[int, int], precision: Precision) -> Format:
    """Return the number format for an image of ``size`` (H, W): what is asked for, or what :data:`Precision` says."""
    if precision != "auto":
        return precision
    weight = weight_of(model)
    half = weight.device.type == "cuda" and weight.dtype == torch.float32 and has_bfloat16(weight.device)
    return "bfloat16" if half and not fits(model, size, "float32") else "float32"


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a GPU has units for bfloat16: NVIDIA's from compute capability 8.0 on."""
    return torch.cuda.get_device_capability(device) >= (8, 0)


def fits(model: Upscaler, size: tuple[int, int], number_format: Format) -> bool:
    """Return whether a forward pass over (H, W) pixels is sure to fit into half of the free memory.

    What another network than SAT needs is not known; it is tried.
    """
    if not isinstance(model, SAT):
        return True
    weight = weight_of(model)
    need = bytes_needed(model.config, *size, number_format)
    return need * weight.itemsize // 4 <= bytes_available(weight.device) // 2


def first_side(model: Upscaler, size: tuple[int, int], smallest: int, number_format: Format = "float32") -> int:
    """Return the longer side of an image if it fits into half of the free memory, else a half, a quarter ... of it."""
    side = max(size)
    while side > smallest and not fits(model, (min(side, size[0]), min(side, size[1])), number_format):
        side = max(smallest, (side + 1) // 2)
    return side


def halving(run: Callable[[int], Tensor], side: int, smallest: int) -> Tensor:
    """Run with tiles of ``side``, and with half of it each time that memory runs out.

    Raises
    ------
    MemoryError
        If even tiles of ``smallest`` do not fit.
    """
    while True:
        try:
            return run(side)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if side <= smallest:
                raise MemoryError(f"out of memory even with tiles of {side} x {side} pixels") from error
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        side = max(smallest, (side + 1) // 2)


def eightfold(run: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return the mean of ``run`` over the eight flips and quarter turns of its input, each turned back.

    The self-ensemble of Timofte et al. (CVPR 2016). ``run`` maps (C, H, W) to (C, sH, sW).
    """

    def mean(x: Tensor) -> Tensor:
        total: Tensor | None = None
        for flip in (False, True):
            for turns in range(4):
                turned = torch.rot90(x.flip(-1) if flip else x, turns, (-2, -1))
                back = torch.rot90(run(turned), -turns, (-2, -1))
                back = back.flip(-1) if flip else back
                total = back if total is None else total + back
        assert total is not None
        return total / 8

    return mean
