"""MATLAB's ``imresize`` with its bicubic kernel: how the field's benchmarks make low-resolution images.

Keys' cubic convolution (IEEE Trans. ASSP 29(6), 1981; a = -0.5) along one axis, then along the other.
Shrinking widens the kernel by 1/scale, which removes aliasing; beyond the edges the image is mirrored, edge
pixel included. Each output sample is a weighted sum of a few gathered input samples: no matrix of output by
input length exists. Other kernels, and shrinking without antialiasing, are not here.

Shapes: H, W height and width, C channels, B batch, L length of the resized axis, M its new length, T taps.
"""

import math
import numbers
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from satlib.support.arrays import plain_array

ImageT = TypeVar("ImageT", npt.NDArray[Any], torch.Tensor)

ARRAY_DTYPES = ("uint8", "uint16", "float32", "float64")
SCALES = (1e-5, 1e5)  # from one pixel for 100,000, whose kernel spans 400,000 pixels, to 100,000 for one


def imresize(image: ImageT, scale: float | None = None, *, size: tuple[int, int] | None = None) -> ImageT:
    """Resize an image as MATLAB's ``imresize(image, scale)`` or ``imresize(image, [h w])`` does.

    Parameters
    ----------
    image
        Array (H, W) or (H, W, C) of uint8, uint16, float32 or float64, or tensor (C, H, W) or (B, C, H, W) of
        any floating dtype. No value range is assumed.
    scale
        Factor of both sides, from 1e-5 to 1e5; ``1/3`` and ``Fraction(1, 3)`` are fine. The output has
        ceil(scale * H) by ceil(scale * W) pixels, where a product that is an integer up to rounding noise
        counts as that integer.
    size
        Height and width of the output, instead of ``scale``; each axis then has the scale output / input.

    Returns
    -------
    array or tensor
        Of the same kind and dtype; a tensor also on the same device, and differentiable. Arrays are
        computed in float64, tensors in their own dtype or float32, whichever is finer. Integers are rounded,
        halves up, and clipped to their range; floats are not clipped, and bicubic overshoots at edges.

    Raises
    ------
    ValueError
        For an image of another kind, dtype or number of axes, or without pixels; for a scale outside its
        range or a size that is not positive; and unless exactly one of ``scale`` and ``size`` is given.

    Notes
    -----
    The axis with the smaller scale goes first, rows on a tie. Integers are rounded once, after both axes;
    MATLAB also rounds integer images between them, which changes some pixels by one level.
    """
    if isinstance(image, torch.Tensor):
        _check(image, image.is_floating_point(), "a floating dtype", (3, 4), "(C, H, W) or (B, C, H, W)")
        work = image.to(torch.promote_types(image.dtype, torch.float32))
        return _resize(work, image.ndim - 2, scale, size).to(image.dtype)
    if not isinstance(image, np.ndarray):
        raise ValueError(f"image must be a numpy array or a torch tensor, got {type(image).__name__}")
    image = plain_array(image, "image")
    _check(image, image.dtype.name in ARRAY_DTYPES, ", ".join(ARRAY_DTYPES), (2, 3), "(H, W) or (H, W, C)")
    resized: npt.NDArray[Any] = _resize(torch.from_numpy(image.astype(np.float64)), 0, scale, size).numpy()
    if image.dtype.kind == "u":
        resized = np.clip(np.floor(resized + 0.5), 0, np.iinfo(image.dtype).max)
    return resized.astype(image.dtype)


def _check(
    image: npt.NDArray[Any] | torch.Tensor, known: bool, dtypes: str, ndims: tuple[int, int], layouts: str
) -> None:
    if not known:
        raise ValueError(f"image must have dtype {dtypes}, got {image.dtype}")
    if image.ndim not in ndims:
        raise ValueError(f"image must have shape {layouts}, got {tuple(image.shape)}")
    if 0 in image.shape:
        raise ValueError(f"image must have pixels, got shape {tuple(image.shape)}")


def _resize(x: torch.Tensor, rows: int, scale: float | None, size: tuple[int, int] | None) -> torch.Tensor:
    """Resize axes ``rows`` and ``rows + 1`` of a floating tensor, the one with the smaller scale first."""
    targets = _targets((x.shape[rows], x.shape[rows + 1]), scale, size)
    for axis in sorted((0, 1), key=lambda axis: targets[axis][0]):
        x = _resize_axis(x, rows + axis, *targets[axis])
    return x


def _targets(source: tuple[int, int], scale: float | None, size: tuple[int, int] | None) -> list[tuple[float, int]]:
    """Return the scale and the output length of each axis."""
    if scale is not None and size is None:
        real = isinstance(scale, numbers.Real) and not isinstance(scale, bool)
        if not real or not SCALES[0] <= scale <= SCALES[1]:
            raise ValueError(f"scale must be a number from {SCALES[0]:g} to {SCALES[1]:g}, got {scale!r}")
        return [(float(scale), _output_length(length, float(scale))) for length in source]
    if size is not None and scale is None:
        pair = isinstance(size, (tuple, list)) and len(size) == 2
        if not pair or not all(isinstance(n, (int, np.integer)) and n > 0 for n in size):
            raise ValueError(f"size must be two positive integers (height, width), got {size!r}")
        return [(int(new) / old, int(new)) for new, old in zip(size, source, strict=True)]
    raise ValueError(f"give either scale or size, got scale={scale!r} and size={size!r}")


def _output_length(length: int, scale: float) -> int:
    """Return ceil(scale * length), forgiving the rounding of the scale and of the product: 0.1 of 30 is 3."""
    product = scale * length
    nearest = round(product)
    return nearest if math.isclose(product, nearest, rel_tol=1e-9) else math.ceil(product)


def _resize_axis(x: torch.Tensor, axis: int, scale: float, new_length: int) -> torch.Tensor:
    """Sum the weighted taps along one axis, one tap at a time: memory for twice the output, not T times."""
    weights, indices = _contributions(x.shape[axis], new_length, scale)
    shape, along = list(x.shape), [1] * x.ndim
    shape[axis] = along[axis] = new_length
    out = x.new_zeros(shape)
    for weight, index in zip(weights, indices, strict=True):
        gathered = x.index_select(axis, torch.from_numpy(index).to(x.device))
        out.addcmul_(torch.from_numpy(weight).to(x.dtype).to(x.device).view(along), gathered)
    return out


def _contributions(length: int, new_length: int, scale: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the weights (T, M) and the indices (T, M) of the input samples that make each output sample.

    Positions count from 1, as in MATLAB, so that they have its rounding errors: output sample j lies at
    j / scale + (1 - 1 / scale) / 2 in the input. Taps that weigh nothing anywhere are left out.
    """
    stretch = min(scale, 1.0)
    width = 4 / stretch
    center = np.arange(1, new_length + 1) / scale + 0.5 * (1 - 1 / scale)
    position = np.floor(center - width / 2) + np.arange(math.ceil(width) + 2)[:, None]  # (T, M)
    weights = _cubic(stretch * (center - position))
    weights /= weights.sum(axis=0)
    folded = (position.astype(np.int64) - 1) % (2 * length)  # the mirrored image repeats every 2L samples
    indices = np.minimum(folded, 2 * length - 1 - folded)
    used = weights.any(axis=1)
    return weights[used], indices[used]


def _cubic(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Keys' kernel with a = -0.5, zero beyond |x| = 2."""
    x = np.abs(x)
    inner = (1.5 * x - 2.5) * x * x + 1
    outer = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, inner, np.where(x <= 2, outer, 0.0))
