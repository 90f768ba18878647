"""An image in memory, as it comes from arrays and files and goes to them: the `Picture`.

A picture keeps what an upscaled image should still have: 8, 16 or floating bits, grey or colour, alpha, what its
numbers mean (the ICC profile; of PNG also gamma, chromaticities and cICP), resolution and EXIF. It stands upright. XMP,
text and thumbnails are not kept.

Shapes: H, W image height and width; C channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from satlib.images.formats import UnsupportedImageError
from satlib.images.metadata import Dpi, exif_bytes, load_exif

MAX_PIXELS = 2**24
"""Largest image that is taken by default, in input pixels (4096 x 4096)."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright image in memory."""

    pixels: npt.NDArray[Any]
    """(H, W, C) uint8, uint16, or floating in [0, 1]."""
    exif: bytes = b""
    """EXIF as it is stored in a JPEG file, without orientation; empty for none."""
    icc: bytes = b""
    """ICC profile; empty for none."""
    dpi: Dpi | None = None
    """Pixels per inch, across and down."""
    gamma: float | None = None
    """The exponent that samples were encoded with, as in a PNG's gAMA: 0.45455 is common, 1 is linear."""
    chromaticities: tuple[float, ...] = ()
    """x and y of white, red, green and blue, as in a PNG's cHRM; empty for none."""
    cicp: bytes = b""
    """The four bytes of a PNG's cICP, which names a colour space of video; empty for none."""

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.pixels.shape[2] in (2, 4)

    def with_pixels(self, pixels: npt.NDArray[Any]) -> "Picture":
        """Return this picture's colour space and EXIF around other pixels; the size that EXIF records follows."""
        exif = exif_bytes(load_exif(self.exif), pixels.shape[:2])
        return replace(self, pixels=pixels, exif=exif)


def from_array(array: npt.NDArray[Any], *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Take an array (H, W) or (H, W, C) of uint8, uint16, or floats in [0, 1].

    Raises
    ------
    ValueError
        For another shape or dtype, no or more than ``max_pixels`` pixels, or floats that are not in [0, 1].
    """
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
        raise ValueError(f"an image array must be (H, W) or (H, W, C) with C in 1..4, got shape {array.shape}")
    check_size(array.shape[:2], max_pixels)
    if array.dtype not in (np.uint8, np.uint16, np.float16, np.float32, np.float64):
        raise ValueError(f"an image array must be uint8, uint16 or floating, got {array.dtype}")
    check_range(array)
    return Picture(array[..., None] if array.ndim == 2 else array)


def check_range(array: npt.NDArray[Any]) -> None:
    """Raise UnsupportedImageError for floats that are not all in [0, 1]."""
    if array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())  # NaN if any pixel is
        if not (low >= 0 and high <= 1):
            raise UnsupportedImageError(
                f"a floating image must lie in [0, 1] and be finite, got values from {low} to {high}"
            )


def to_pil(picture: Picture) -> Image.Image:
    """Return a PIL image with EXIF, ICC profile, resolution, gamma and chromaticities in its ``info``.

    Raises
    ------
    ValueError
        For floats and for 16-bit colour or alpha, which Pillow has no mode for.
    """
    pixels = picture.pixels
    if pixels.dtype != np.uint8 and not fits_pil(picture):
        raise ValueError(f"a PIL image cannot hold {pixels.shape[2]} channels of {pixels.dtype}")
    image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels))
    told = {
        "exif": picture.exif,
        "icc_profile": picture.icc,
        "dpi": picture.dpi,
        "gamma": picture.gamma,
        "chromaticity": picture.chromaticities,
    }
    image.info.update({key: value for key, value in told.items() if value})
    return image


def fits_pil(picture: Picture) -> bool:
    """Tell whether Pillow has a mode for the picture: all 8-bit ones, and 16-bit grey."""
    pixels = picture.pixels
    return pixels.dtype == np.uint8 or (pixels.dtype == np.uint16 and pixels.shape[2] == 1)


def check_size(size: Sequence[int], max_pixels: int) -> None:
    """Raise UnsupportedImageError if an image of ``size`` (H, W) has no pixels or more than ``max_pixels``."""
    height, width = size
    if width < 1 or height < 1:
        raise UnsupportedImageError(f"the image has no pixels: {width} x {height}")
    if width * height > max_pixels:
        raise UnsupportedImageError(
            f"the image has {width} x {height} pixels, more than max_pixels = {max_pixels}; raise it to go on"
        )
