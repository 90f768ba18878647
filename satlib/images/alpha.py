"""Colour under transparent pixels: what nobody sees must not reach what is seen.

An upscaled pixel mixes its neighbours, so the colours that a file keeps under alpha 0, often black or white, would
show as a rim. Here a pixel counts by how visible it is beside its neighbours; what it lacks is filled from the visible
ones around, near before far. Where alpha is even, full or not, nothing changes.

The other way, colours times alpha before and divided by alpha after, asks that colour and alpha are upscaled alike; a
network sharpens an edge where bicubic interpolation of alpha does not, and the quotient is a rim again.

Shapes: H, W image height and width; C channels of colour: 1 or 3.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

REACH = 2
"""How far an upscaled pixel mixes its neighbours, in pixels."""

FULL = 2
"""A pixel keeps its colour if its most visible neighbour is at most so many times as visible: a soft edge stays."""


def visible_color(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the colour (H, W, C) of pixels (H, W, C + 1) with alpha last, filled where they are transparent.

    The dtype is kept. If nothing is visible at all, the colour is as it was.
    """
    color, alpha = pixels[..., :-1], pixels[..., -1:].astype(np.float32)
    most = alpha.max()
    if alpha.min() == most:  # even: all of it is equally visible
        return color
    alpha /= most
    beside = _largest_beside(alpha)
    share = np.divide(FULL * alpha, beside, out=np.zeros_like(alpha), where=beside > 0).clip(max=1)
    filled = share * color + (1 - share) * _surroundings(color.astype(np.float32) * alpha, alpha)
    changed = np.rint(filled) if color.dtype.kind == "u" else filled.clip(0, 1)
    return np.where(share == 1, color, changed.astype(color.dtype))


def _largest_beside(plane: Floats) -> Floats:
    """Return the largest value within `REACH` pixels of each of (H, W, 1)."""
    for axis in (0, 1):
        length = plane.shape[axis]
        padded = np.pad(plane, [(REACH, REACH) if a == axis else (0, 0) for a in range(3)]).swapaxes(0, axis)
        largest = padded[:length].copy()
        for start in range(1, 2 * REACH + 1):
            np.maximum(largest, padded[start : start + length], out=largest)
        plane = largest.swapaxes(0, axis)
    return plane


def _surroundings(weighted: Floats, weight: Floats) -> Floats:
    """Return the mean colour around each pixel, from sums (H, W, C) and weights (H, W, 1): near, where there is any.

    From each pixel's block of 2 x 2, then of 4 x 4, and so on, until the weight of one pixel is found.
    """
    if weight.shape[:2] == (1, 1):
        return np.asarray(weighted / np.maximum(weight, 1e-12), np.float32)
    coarse = _surroundings(_halved(weighted), _halved(weight))
    height, width = weight.shape[:2]
    far = coarse.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    return np.asarray((weighted + (1 - weight.clip(0, 1)) * far) / np.maximum(weight, 1), np.float32)


def _halved(values: Floats) -> Floats:
    """Return the sums of blocks of 2 x 2, the last ones smaller."""
    height, width, channels = values.shape
    even = np.pad(values, ((0, height % 2), (0, width % 2), (0, 0)))
    return np.asarray(even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2, channels).sum(axis=(1, 3)), np.float32)
