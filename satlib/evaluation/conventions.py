"""The other numbers that one output could be given, and the other ways to make its input: for comparison only.

`evaluate` uses one convention; papers and libraries use several, and their numbers lie further apart than the methods
that they compare.
"""

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn import functional

from satlib.images.degradation import crop_to_multiple, downscale
from satlib.metrics.fidelity import psnr

Pixels = npt.NDArray[np.uint8]

JPEG_LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G and B in the Y of JPEG files (BT.601, full range)."""


def psnr_by_convention(sr: Pixels, hr: Pixels, scale: int) -> dict[str, float]:
    """Return the PSNR of an RGB image (H, W, 3) under five conventions, in dB.

    The first is the default of :func:`satlib.evaluation.evaluate`.
    """
    return {
        "Y, not rounded": psnr(sr, hr, border=scale),
        "Y, rounded": psnr(sr, hr, border=scale, rounded=True),
        "Y, no border shaved": psnr(sr, hr),
        "Y of JPEG (full range)": psnr(_jpeg_luma(sr), _jpeg_luma(hr), border=scale),
        "RGB": psnr(sr, hr, border=scale, luma=False),
    }


def downscalings(hr: Pixels, scale: int) -> dict[str, Pixels]:
    """Return low-resolution versions of an RGB image (H, W, 3) by three implementations called "bicubic".

    MATLAB's has the kernel a = -0.5, widened against aliasing. So has Pillow's, which rounds between the two axes and
    cuts the kernel off at the image's edges instead of mirroring. torch's has a = -0.75 and is not widened by default;
    neither is OpenCV's.
    """
    cropped = crop_to_multiple(hr, scale)
    size = (cropped.shape[1] // scale, cropped.shape[0] // scale)
    planes = torch.from_numpy(cropped.copy()).permute(2, 0, 1).double()[None]
    aliased = functional.interpolate(planes, size=size[::-1], mode="bicubic", align_corners=False)
    return {
        "MATLAB": downscale(cropped, scale),
        "Pillow": np.asarray(Image.fromarray(cropped).resize(size, Image.Resampling.BICUBIC)),
        "torch, no antialiasing": aliased[0].permute(1, 2, 0).round().clamp(0, 255).numpy().astype(np.uint8),
    }


def _jpeg_luma(image: Pixels) -> npt.NDArray[np.float64]:
    """Return Y of full range, (H, W) in [0, 1]."""
    y: npt.NDArray[np.float64] = image @ np.array(JPEG_LUMA) / 255
    return y
