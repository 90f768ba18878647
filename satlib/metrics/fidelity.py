"""PSNR and SSIM as super-resolution papers report them: on Y, a border shaved, on the scale of 8-bit values.

SSIM is Wang et al., IEEE Trans. Image Processing 13(4), 2004: an 11x11 Gaussian window of sigma 1.5,
K1 = 0.01, K2 = 0.03, population variances, averaged over the positions where the window lies inside the
image. Both are computed in float64 on the CPU and return a plain float; they are not losses.

Shapes: B batch, C channels (1 or 3; to compare all of them, up to 16), H, W image height and width.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from satlib.metrics.luma import ARRAY_DTYPES
from satlib.metrics.luma import luma as luma_of
from satlib.support.arrays import plain_array

Image = npt.NDArray[Any] | torch.Tensor

MOST = 16
"""Channels that can be compared one by one."""
PEAK = 255.0
WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03


def psnr(sr: Image, hr: Image, *, border: int = 0, luma: bool = True, rounded: bool = False) -> float:
    """Return the peak signal-to-noise ratio in dB, 10 log10(255^2 / MSE); infinite for identical images.

    Parameters
    ----------
    sr, hr
        The image and its reference, of one size and dtype: array (H, W), (H, W, 1) or (H, W, 3), or tensor
        (H, W), (C, H, W) or (B, C, H, W); without ``luma`` of up to 16 channels, which are all compared. The dtype
        tells the range: uint8 is [0, 255], floating is [0, 1].
        Floats are neither clipped nor rounded: to measure the 8-bit image that would be saved, do both first.
    border
        Pixels shaved from each side before the comparison; papers shave ``scale``.
    luma
        Compare BT.601 Y instead of RGB. A grey image is its own Y, without compression to [16, 235].
    rounded
        Round Y to 8-bit levels, as MATLAB's ``rgb2ycbcr`` does on uint8. The default keeps Y as BasicSR does,
        whose numbers recent papers report. Has no effect without ``luma``.

    Returns
    -------
    float
        For a batch, the mean of its images' values.

    Raises
    ------
    ValueError
        For sizes or dtypes that differ, an image of another kind, dtype or shape, a reference that is plainly
        not in [0, 1], and a border that leaves nothing.
    """
    x, y = _pair(sr, hr, border, luma, rounded)
    mse = (x - y).square().mean(dim=(1, 2, 3))  # (B,)
    return float((10 * torch.log10(PEAK**2 / mse)).mean())


def ssim(sr: Image, hr: Image, *, border: int = 0, luma: bool = True, rounded: bool = False) -> float:
    """Return the mean structural similarity, 1 for identical images.

    Parameters and errors are those of :func:`psnr`; after shaving, both sides must be at least 11. Several
    channels (``luma=False``) are compared one by one and averaged.

    Raises
    ------
    ValueError
        As :func:`psnr`; also if a side is shorter than 11 pixels after shaving.
    """
    x, y = _pair(sr, hr, border, luma, rounded)
    if min(x.shape[-2:]) < WINDOW:
        height, width = x.shape[-2:]
        raise ValueError(f"SSIM needs {WINDOW}x{WINDOW} pixels, got {height}x{width} after border={border}")
    mean_x, mean_y = _blur(x), _blur(y)
    variance_x = _blur(x * x) - mean_x * mean_x
    variance_y = _blur(y * y) - mean_y * mean_y
    covariance = _blur(x * y) - mean_x * mean_y
    c1, c2 = (K1 * PEAK) ** 2, (K2 * PEAK) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x * mean_x + mean_y * mean_y + c1)
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return float((luminance * structure).mean())


def _pair(sr: Image, hr: Image, border: int, luma: bool, rounded: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what is compared, two float64 tensors (B, C, H - 2 border, W - 2 border) on the scale of 255."""
    sr, hr = _plain("sr", sr), _plain("hr", hr)
    _check("sr", sr, luma)
    _check("hr", hr, luma)
    x, y = _tensor(sr), _tensor(hr)
    if x.shape != y.shape:
        raise ValueError(f"sr and hr differ in size: {tuple(sr.shape)} and {tuple(hr.shape)}")
    if x.dtype != y.dtype:
        raise ValueError(f"sr and hr differ in dtype: {sr.dtype} and {hr.dtype}")
    if y.is_floating_point() and not y.max() <= 2:
        raise ValueError(f"floating images must be in [0, 1], but hr reaches {y.max():g}")
    integer = isinstance(border, (int, np.integer)) and not isinstance(border, bool)
    if not integer or border < 0 or 2 * border >= min(x.shape[-2:]):
        height, width = x.shape[-2:]
        raise ValueError(f"border must be an integer >= 0 that leaves pixels of {height}x{width}, got {border!r}")
    return _plane(x, border, luma, rounded), _plane(y, border, luma, rounded)


def _plain(name: str, image: Image) -> Image:
    """Return an array without the habits of a subclass, anything else as it is."""
    return plain_array(image, name) if isinstance(image, np.ndarray) else image


def _check(name: str, image: Image, luma: bool) -> None:
    """Raise ValueError unless ``image`` is one of the kinds, dtypes and shapes that can be compared."""
    shape = tuple(image.shape) if isinstance(image, (np.ndarray, torch.Tensor)) else ()
    if isinstance(image, torch.Tensor):
        known = image.dtype == torch.uint8 or image.is_floating_point()
        channels = shape[-3] if 3 <= len(shape) <= 4 else int(len(shape) == 2)
    elif isinstance(image, np.ndarray):
        known = image.dtype.name in ARRAY_DTYPES
        channels = shape[-1] if len(shape) == 3 else int(len(shape) == 2)
    else:
        raise ValueError(f"{name} must be a numpy array or a torch tensor, got {type(image).__name__}")
    if not known:
        raise ValueError(f"{name} must have dtype uint8 or a floating dtype, got {image.dtype}")
    if channels not in ((1, 3) if luma else range(1, MOST + 1)) or 0 in shape:
        wanted = "1 or 3" if luma else f"1 to {MOST}"
        raise ValueError(f"{name} must be an image with {wanted} channels, got shape {shape}")


def _tensor(image: Image) -> torch.Tensor:
    """Return the image as a tensor (B, C, H, W) on the CPU, dtype unchanged."""
    if isinstance(image, torch.Tensor):
        return image.detach().cpu()[(None,) * (4 - image.ndim)]
    planes = image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)
    return torch.from_numpy(planes.copy())[None]


def _plane(x: torch.Tensor, border: int, luma: bool, rounded: bool) -> torch.Tensor:
    """Return Y (or the channels as they are) without the border, float64 on the scale of 255."""
    level = 1.0 if x.dtype == torch.uint8 else PEAK
    if x.is_floating_point():
        x = x.double()
    if luma:
        x = luma_of(x, rounded=rounded)
    height, width = x.shape[-2:]
    return x[..., border : height - border, border : width - border].double() * level


def _blur(x: torch.Tensor) -> torch.Tensor:
    """Weight each channel with the Gaussian window where it fits: (B, C, H, W) -> (B, C, H - 10, W - 10)."""
    offset = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    window = torch.exp(-0.5 * (offset / SIGMA) ** 2)
    window = window / window.sum()
    planes = x.flatten(0, 1)[:, None]  # (B C, 1, H, W)
    planes = torch.conv2d(torch.conv2d(planes, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))
    return planes.view(*x.shape[:2], *planes.shape[-2:])
