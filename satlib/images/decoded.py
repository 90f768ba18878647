"""What a decoder found in a file, and how it becomes a picture: upright, with metadata that fits its pixels.

Shapes: H, W height and width as stored; C channels as in `satlib.images.picture`.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from satlib.images.metadata import Dpi, dpi_of, exif_bytes, orientation_of
from satlib.images.picture import Picture
from satlib.images.profiles import fits


@dataclass
class Decoded:
    """Pixels as they are stored, and what the file says about them; see `satlib.images.picture.Picture`."""

    pixels: npt.NDArray[Any]
    exif: Image.Exif = field(default_factory=Image.Exif)
    has_exif: bool = False
    """Whether the file has EXIF, readable or not."""
    turned: bool = False
    """Whether EXIF may have lost its orientation."""
    icc: bytes = b""
    dpi: Dpi | None = None
    gamma: float | None = None
    chromaticities: tuple[float, ...] = ()
    cicp: bytes = b""
    remarks: list[str] = field(default_factory=list)
    """What was converted or is not kept."""


def to_picture(decoded: Decoded) -> Picture:
    """Return an upright picture; a profile for another kind of pixels is left out, and added to the remarks."""
    orientation = orientation_of(decoded.exif)
    if orientation < 0 or decoded.turned or (decoded.has_exif and not len(decoded.exif)):
        decoded.remarks.append("its EXIF is damaged; it may be turned")
    pixels = _upright(decoded.pixels, orientation)
    icc = decoded.icc
    if not fits(icc, pixels.shape[2]):
        space = icc[16:20].decode("latin-1").strip()
        kind = "grey" if pixels.shape[2] < 3 else "colour"
        decoded.remarks.append(f"its colour profile is for {space}, its pixels are {kind}; the profile is left out")
        icc = b""
    dpi = decoded.dpi or dpi_of(decoded.exif)
    if dpi is not None and decoded.pixels.shape[:2] != pixels.shape[:2]:
        dpi = dpi[::-1]
    exif = exif_bytes(decoded.exif, pixels.shape[:2])
    return Picture(np.ascontiguousarray(pixels), exif, icc, dpi, decoded.gamma, decoded.chromaticities, decoded.cicp)


def _upright(pixels: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Apply an EXIF orientation (1 to 8) to (H, W, C) pixels."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
