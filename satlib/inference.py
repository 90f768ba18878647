"""A picture through a network or the bicubic baseline: whole or in tiles, once or in eight orientations.

The network takes RGB in [0, 1]. Grey goes in as three equal channels, and the three that come out are averaged. Alpha
is upscaled beside the colour by bicubic interpolation. Results are clipped to [0, 1] and, for integer pixels, rounded.

Shapes: C channels, H, W image height and width, s the scale.
"""

import copy
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from satlib.checkpoint import load
from satlib.memory import bytes_available, bytes_needed, is_out_of_memory
from satlib.model import SAT
from satlib.picture import Picture
from satlib.precision import FORMATS, Format, computing
from satlib.resize import imresize
from satlib.tiles import Report, check_tiles, run_tiles

Tile = int | Literal["auto"] | None
"""Side of a tile in input pixels; ``None``: the whole image; "auto": the whole image, or tiles that fit in memory."""

Precision = Format | Literal["auto"]
"""Number format of the network: `satlib.precision`. "auto": "float32" where the whole image fits in memory with it;
else, on a GPU that has it, "bfloat16", which mostly changes less than tiles do (`python -m benchmarks precision`)."""

AUTO_MIN_TILE = 64
"""Where "auto" stops halving the tiles, or at four overlaps if that is more."""


@dataclass(frozen=True)
class Bicubic:
    """The baseline: MATLAB's bicubic interpolation by ``scale``."""

    scale: int


def get_model(model: str | PathLike[str] | SAT, device: torch.device | str | None = None) -> SAT | Bicubic:
    """Return what a model's name, file or the network itself stands for.

    Parameters
    ----------
    model
        "bicubic-x2", "-x3", "-x4" or "-x8"; else as :func:`satlib.load` takes it; or a network.
    device
        ``None``: a network stays where it is, a loaded one goes to the GPU if CUDA has one. A network that is
        elsewhere is copied there; the one given stays as it is.

    Raises
    ------
    OSError, ValueError
        As :func:`satlib.load`; ValueError also for a device that does not exist here.
    """
    place = None if device is None else _check_device(device)
    if isinstance(model, SAT):
        here = next(model.parameters()).device
        return model if place is None or place == here else copy.deepcopy(model).to(place)
    bicubic = re.fullmatch(r"bicubic-x([2348])", str(model))
    if bicubic:
        return Bicubic(int(bicubic[1]))
    return load(str(model), device=place or ("cuda" if torch.cuda.is_available() else "cpu"))


def scale_of(model: SAT | Bicubic) -> int:
    """Return the factor by which a model upscales."""
    return model.scale if isinstance(model, Bicubic) else model.config.scale


def _check_device(device: torch.device | str) -> torch.device:
    try:
        return torch.empty(0, device=device).device  # with the index that "cuda" stands for
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        if reason.startswith("Expected one of"):  # torch lists all that any build knows
            reason = "give cpu, cuda or, of several GPUs, cuda:1"
        raise ValueError(f"device {str(device)!r} cannot be used: {reason}") from error


def upscale_picture(
    picture: Picture,
    model: SAT | Bicubic,
    *,
    tile: Tile = None,
    overlap: int = 16,
    ensemble: bool = False,
    precision: Precision = "float32",
    report: Report | None = None,
) -> Picture:
    """Upscale a picture; the parameters are those of :func:`satlib.upscale`.

    ``report`` is told the tiles that are done and all. The baseline interpolates the whole image at once.
    """
    check_tiles(None if tile == "auto" else tile, overlap)
    if precision not in (*FORMATS, "auto"):
        raise ValueError(f"precision must be one of {', '.join(FORMATS)}, auto, got {precision!r}")
    pixels = picture.pixels
    if isinstance(model, Bicubic):
        return picture.with_pixels(_bicubic(pixels, model.scale))
    color = to_tensor(pixels[..., :-1] if picture.has_alpha else pixels)
    number_format = choose_format(model, (pixels.shape[0], pixels.shape[1]), precision)
    with evaluating(model), torch.inference_mode():
        upscaled = _run(color, model, tile, overlap, ensemble, number_format, report or _silent)
    gray = pixels.shape[2] < 3
    out = to_pixels(upscaled.mean(0, keepdim=True) if gray else upscaled, pixels.dtype)
    if picture.has_alpha:
        out = np.concatenate((out, _bicubic(pixels[..., -1:], model.config.scale)), axis=2)
    return picture.with_pixels(out)


def to_tensor(pixels: npt.NDArray[Any]) -> Tensor:
    """Return (H, W, 1 or 3) pixels as a tensor (3, H, W) in [0, 1], float64 where they are, else float32."""
    white = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    wide: npt.NDArray[Any] = pixels.astype(np.float64 if pixels.dtype == np.float64 else np.float32)
    return torch.from_numpy(wide / white).permute(2, 0, 1).expand(3, -1, -1)


def to_pixels(image: Tensor, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a tensor (C, H, W) as (H, W, C) pixels of ``dtype``, clipped, and rounded to integers."""
    clipped = image.permute(1, 2, 0).clamp(0, 1).numpy()
    dtype = np.dtype(dtype)
    return (np.rint(clipped * np.iinfo(dtype).max) if dtype.kind == "u" else clipped).astype(dtype)


def _bicubic(pixels: npt.NDArray[Any], scale: int) -> npt.NDArray[Any]:
    """Interpolate (H, W, C) pixels of any kind within their range, one channel at a time to save memory."""
    height, width, channels = pixels.shape
    out = np.empty((height * scale, width * scale, channels), pixels.dtype)
    for channel in range(channels):
        plane = pixels[..., channel]
        resized = imresize(plane.astype(np.float32) if plane.dtype == np.float16 else plane, scale)
        out[..., channel] = resized if plane.dtype.kind == "u" else resized.clip(0, 1)
    return out


def _run(
    color: Tensor, model: SAT, tile: Tile, overlap: int, ensemble: bool, number_format: Format, report: Report
) -> Tensor:
    """Upscale (3, H, W) to (3, sH, sW), on the CPU, in tiles as asked."""
    parameter = next(model.parameters())
    color = color.to(torch.promote_types(parameter.dtype, torch.float32))

    def once(x: Tensor) -> Tensor:
        with computing(number_format, parameter.device):
            out: Tensor = model(x.to(parameter.device, parameter.dtype)[None])[0]
        return out.to(color)  # back in its dtype and on the CPU

    def in_tiles(side: int) -> Tensor:
        run = eightfold(once) if ensemble else once
        return run_tiles(color, run, scale=model.config.scale, tile=side, overlap=overlap, report=report)

    height, width = color.shape[1:]
    if tile != "auto":
        return in_tiles(tile or max(height, width))
    smallest = max(AUTO_MIN_TILE, 4 * overlap)
    return halving(in_tiles, first_side(model, (height, width), smallest, number_format), smallest)


def choose_format(model: SAT, size: tuple[int, int], precision: Precision) -> Format:
    """Return the number format for an image of ``size`` (H, W): what is asked for, or what :data:`Precision` says."""
    if precision != "auto":
        return precision
    parameter = next(model.parameters())
    half = parameter.device.type == "cuda" and parameter.dtype == torch.float32 and has_bfloat16(parameter.device)
    return "bfloat16" if half and not fits(model, size, "float32") else "float32"


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a GPU has units for bfloat16: NVIDIA's from compute capability 8.0 on."""
    return torch.cuda.get_device_capability(device) >= (8, 0)


def fits(model: SAT, size: tuple[int, int], number_format: Format) -> bool:
    """Return whether a forward pass over (H, W) pixels is sure to fit into half of the free memory."""
    parameter = next(model.parameters())
    need = bytes_needed(model.config, *size, number_format)
    return need * parameter.itemsize // 4 <= bytes_available(parameter.device) // 2


def first_side(model: SAT, size: tuple[int, int], smallest: int, number_format: Format = "float32") -> int:
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


@contextmanager
def evaluating(model: SAT) -> Iterator[None]:
    """Put a network into eval mode, and each of its modules back into its own mode afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _silent(done: int, total: int) -> None:
    """Report nothing."""
