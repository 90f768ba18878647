"""What a user expects of an upscaled picture and a measurement must not do: grey stays grey, the border stays as it is.

A network for RGB gives three channels that differ a little even where its input's do not. A picture whose R, G and B
are the same everywhere, but for rounding, goes through it as grey, whose result is the mean of the three.

Convolutions pad with zeros, which darkens the border of a bright page and lights up that of a dark one. The picture is
continued by its mirror image, by a few pixels on each side, and what they become is cut off.

:func:`satlib.upscale` and the command do both; :mod:`satlib.evaluation` measures the network as it is.

Shapes: H, W image height and width; C channels; s the scale.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from satlib.images.alpha import visible_color
from satlib.images.picture import Picture

Pixels = npt.NDArray[Any]

MARGIN = 4
"""Pixels by which an image is continued on each side: from here on, the bundled networks keep an even page even."""

MAX_MARGIN = 256

ROUNDING = 1
"""Levels of 255 by which the channels of grey may differ: lossy WebP, which has no grey, leaves as much."""


def check_margin(margin: int) -> None:
    """Raise ValueError unless a margin is an integer from 0 to `MAX_MARGIN`."""
    if isinstance(margin, bool) or not isinstance(margin, int) or not 0 <= margin <= MAX_MARGIN:
        raise ValueError(f"margin must be an integer from 0 to {MAX_MARGIN}, got {margin!r}")


def with_care(picture: Picture, run: Callable[[Picture], Picture], scale: int, margin: int) -> Picture:
    """Return what ``run`` makes of a picture, grey if all of it is, and without the trace of its border.

    Parameters
    ----------
    run
        Upscales a picture of any size by s = ``scale``.
    margin
        Pixels by which the picture is continued on each side.
    """
    plain = picture.pixels
    color, alpha = (visible_color(plain), plain[..., -1:]) if picture.has_alpha else (plain, plain[..., :0])
    gray = is_gray(color)
    pixels = np.concatenate((to_gray(color), alpha), axis=2) if gray else plain
    out = run(picture.with_pixels(with_margin(pixels, margin))).pixels
    height, width, cut = plain.shape[0] * scale, plain.shape[1] * scale, margin * scale
    out = out[cut : cut + height, cut : cut + width]
    if gray:
        out = np.concatenate((out[..., [0, 0, 0]], out[..., 1:]), axis=2)
    return picture.with_pixels(np.ascontiguousarray(out))


def is_gray(pixels: Pixels) -> bool:
    """Tell whether R, G and B of pixels (H, W, 3) are the same everywhere; in 8 bits, but for `ROUNDING`."""
    if pixels.shape[2] < 3:
        return False
    spread = pixels.max(axis=2) - pixels.min(axis=2)
    return bool(spread.max() <= (ROUNDING if pixels.dtype == np.uint8 else 0))


def to_gray(pixels: Pixels) -> Pixels:
    """Return the middle one of the channels of pixels (H, W, 3), of which :func:`is_gray` holds: (H, W, 1)."""
    return np.sort(pixels, axis=2)[..., 1:2]


def with_margin(pixels: Pixels, margin: int) -> Pixels:
    """Continue (H, W, C) pixels by their mirror image: (H + 2 margin, W + 2 margin, C)."""
    return np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric") if margin else pixels
