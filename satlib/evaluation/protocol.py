"""The choices between an image and its numbers, and one image through them.

A photograph is cropped to a multiple of the scale, downscaled by MATLAB's bicubic with rounding (or its given
low-resolution version is taken), upscaled, clipped and rounded to 8 bits, and compared with ``scale`` pixels shaved
from each side. Two choices change published numbers and are options here; the defaults are what BasicSR does, on which
the code of SAT and of the networks in its Table 1 is built.

``rounded``: whether Y is rounded to 8 bits before the comparison. MATLAB's rgb2ycbcr does so, as in papers up to about
2018; BasicSR does not. It moves the mean by about 0.01 dB, more at high PSNR.

``gray``: what the Y of a grey photograph is. "rgb", the default: the grey is copied into R, G and B, and Y has 219/255
of its contrast, because BasicSR reads every file as RGB; this adds 1.32 dB to the image. "y": the grey is Y, as in
older MATLAB code. One of the 14 images of Set14 is grey, so its mean differs by 0.094 dB. "all": every photograph
becomes grey first (:func:`satlib.images.folder.with_channels`) and is compared as it is, which is how networks for grey
are measured.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from satlib import metrics
from satlib.config import SCALES
from satlib.data.degradation import Pass, degrade_bytes, passes_of
from satlib.data.likeness import check_alike
from satlib.images.degradation import crop_to_multiple, downscale
from satlib.images.folder import read_8bit, with_channels
from satlib.images.picture import Picture
from satlib.metrics.fidelity import WINDOW
from satlib.metrics.perceptual import SMALLEST, dists, lpips
from satlib.support.checks import one_of
from satlib.upscaling.models import Upscaler
from satlib.upscaling.run import upscale_picture
from satlib.upscaling.tiling import Tile, Tiling

METRICS = ("psnr", "ssim", "lpips", "dists")
GRAY = ("rgb", "y", "all")
Image = npt.NDArray[np.uint8]

NO_NETWORKS: Mapping[str, nn.Module] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How images are degraded, upscaled and compared.

    Raises
    ------
    ValueError
        If a field has a value that it cannot have.
    """

    scale: int
    """2, 3, 4 or 8; as many pixels are shaved from each side before PSNR and SSIM. 1: restoration, none are shaved."""
    metrics: tuple[str, ...] = ("psnr", "ssim")
    """Some of "psnr", "ssim" (both on Y, of grey images on themselves), "lpips", "dists" (whole RGB images)."""
    rounded: bool = False
    """Round Y to 8 bits."""
    gray: str = "rgb"
    """What grey photographs become: "rgb", three equal channels, or "y", their own Y. "all": all become grey."""
    degradation: tuple[Pass, ...] = ()
    """Passes that make the low resolution, as :func:`satlib.data.degradation.passes_of` takes them; what is drawn for
    image number i comes from the seed i, as in the validation of a training. None: MATLAB's bicubic, or given files."""
    tile: Tile = None
    """As for :func:`satlib.upscale`."""
    overlap: int = 16
    """As for :func:`satlib.upscale`."""
    ensemble: bool = False
    """As for :func:`satlib.upscale`."""

    def __post_init__(self) -> None:
        """Check every field."""
        one_of("scale", self.scale, SCALES)
        object.__setattr__(self, "metrics", tuple(self.metrics))
        if not self.metrics or len(set(self.metrics)) < len(self.metrics) or not set(self.metrics) <= set(METRICS):
            raise ValueError(
                f"metrics must be some of {', '.join(METRICS)}, got {', '.join(map(str, self.metrics)) or 'none'}"
            )
        if self.gray not in GRAY:
            raise ValueError(f"gray must be one of {', '.join(GRAY)}, got {self.gray!r}")
        object.__setattr__(self, "degradation", passes_of(self.degradation))
        self.tiling()

    @property
    def border(self) -> int:
        """Pixels that are shaved from each side before PSNR and SSIM: the scale, but none where nothing is enlarged."""
        return 0 if self.scale == 1 else self.scale

    def tiling(self) -> Tiling:
        """Return how images go through the network."""
        return Tiling(tile=self.tile, overlap=self.overlap, ensemble=self.ensemble)

    def describe(self) -> str:
        """Return the choices in words."""
        parts = [f"Y of BT.601, {'rounded' if self.rounded else 'not rounded'}"] if self.gray != "all" else []
        parts.append(f"{self.border} pixels of border shaved")
        as_what = {"rgb": "grey photographs as RGB", "y": "grey photographs as Y", "all": "all photographs made grey"}
        parts.append(as_what[self.gray])
        if self.degradation:
            parts.append(f"degraded in {len(self.degradation)} pass{'es' * (len(self.degradation) > 1)}")
        if self.tile is not None:
            parts.append(f"tiles {self.tile} with overlap {self.overlap}")
        return ", ".join([*parts, "self-ensemble"] if self.ensemble else parts)


class Measured(NamedTuple):
    """One upscaled image and its numbers."""

    sr: Image
    """(H, W) or (H, W, 3)."""
    values: dict[str, float]
    """By metric."""
    seconds: float
    """Of upscaling alone."""


def check_measurable(size: tuple[int, int], protocol: Protocol) -> None:
    """Raise ValueError if a cropped photograph of ``size`` (H, W) is too small for a metric of the protocol."""
    shaved = (size[0] - 2 * protocol.border, size[1] - 2 * protocol.border)
    features = [(name, SMALLEST, size) for name in ("lpips", "dists")]
    for metric, needed, sides in (("psnr", 1, shaved), ("ssim", WINDOW, shaved), *features):
        if metric in protocol.metrics and min(sides) < needed:
            border = "" if sides is size or not protocol.border else f" after border={protocol.border}"
            got = f"{sides[0]}x{sides[1]}{border}"
            raise ValueError(f"{metric.upper()} needs {needed}x{needed} pixels, got {got}")


def measure(
    hr_file: Path,
    lr_file: Path | None,
    model: Upscaler,
    protocol: Protocol,
    networks: Mapping[str, nn.Module] = NO_NETWORKS,
    number: int = 0,
) -> Measured:
    """Take one photograph through the protocol.

    Parameters
    ----------
    lr_file
        Its low-resolution version, or None to make it.
    networks
        By metric, those that "lpips" and "dists" measure with (:mod:`satlib.metrics.perceptual`), as far as asked for.
    number
        Of the image in its folder: the seed of a degradation.

    Raises
    ------
    OSError, ValueError
        If a file cannot be read, the two do not fit together, or the image is too small for a metric.
    """
    hr = crop_to_multiple(_read(hr_file, protocol.gray), protocol.scale)
    check_measurable((hr.shape[0], hr.shape[1]), protocol)
    if lr_file is not None:
        lr = _matching(lr_file, hr_file, hr, protocol)
    elif protocol.degradation:
        lr = degraded(hr, protocol.scale, protocol.degradation, number)
    else:
        lr = downscale(hr, protocol.scale)
    start = time.perf_counter()
    sr = _upscale(lr, model, protocol)
    seconds = time.perf_counter() - start
    return Measured(sr, compare(sr, hr, protocol, networks), seconds)


def compare(
    sr: Image, hr: Image, protocol: Protocol, networks: Mapping[str, nn.Module] = NO_NETWORKS
) -> dict[str, float]:
    """Return the metrics of the protocol for two images (H, W) or (H, W, 3)."""
    values = {}
    for name in protocol.metrics:
        if name in networks:
            values[name] = (lpips if name == "lpips" else dists)(networks[name], sr, hr)
        else:
            metric = metrics.psnr if name == "psnr" else metrics.ssim
            values[name] = metric(sr, hr, border=protocol.border, rounded=protocol.rounded)
    return values


def degraded(hr: Image, scale: int, passes: Sequence[Pass], number: int) -> Image:
    """Return what passes of degradation make of an image (sH, sW) or (sH, sW, I), seeded by its number in a set."""
    planes = torch.from_numpy(np.moveaxis(hr[..., None] if hr.ndim == 2 else hr, -1, 0).copy())  # (I, sH, sW)
    low = degrade_bytes(planes, scale, passes, torch.Generator().manual_seed(number)).permute(1, 2, 0)  # (H, W, I)
    made: Image = low.contiguous().numpy()
    return made[..., 0] if hr.ndim == 2 else made


def _read(path: Path, gray: str) -> Image:
    """Read a photograph, (H, W, 3), or (H, W) if it is grey and stays grey, or all are."""
    image = read_8bit(path)
    if gray == "all":
        return with_channels(image, 1)[..., 0]
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 and gray == "rgb" else image


def _matching(lr_file: Path, hr_file: Path, hr: Image, protocol: Protocol) -> Image:
    """Read a low-resolution version, of the size and kind that the cropped photograph asks for."""
    lr = _read(lr_file, protocol.gray)
    wanted = (hr.shape[0] // protocol.scale, hr.shape[1] // protocol.scale)
    if lr.shape[:2] != wanted:
        raise ValueError(
            f"{lr_file} has {lr.shape[0]} x {lr.shape[1]} pixels; {hr_file} at scale {protocol.scale} asks for "
            f"{wanted[0]} x {wanted[1]}"
        )
    if lr.ndim != hr.ndim:
        raise ValueError(f"one of {lr_file} and {hr_file} is grey and the other is not")
    check_alike(lr, downscale(hr, protocol.scale), f"{lr_file} and {hr_file}")
    return lr


def _upscale(lr: Image, model: Upscaler, protocol: Protocol) -> Image:
    picture = Picture(lr if lr.ndim == 3 else lr[..., None])
    sr: Image = upscale_picture(picture, model, protocol.tiling()).pixels
    return sr if lr.ndim == 3 else sr[..., 0]
