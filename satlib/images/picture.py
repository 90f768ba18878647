"""An image in memory, as it comes from and goes to arrays and Pillow: the `Picture`.

A picture keeps what an upscaled image should still have: 8, 16 or floating bits, grey or colour, alpha, the ICC
profile and EXIF. It stands upright: an EXIF orientation is applied and its tag reset. What has no fixed white level or
needs colour management (CMYK, LAB, 32-bit integers and floats of Pillow) is refused, not guessed. XMP, text and
thumbnails are not kept.

Shapes: H, W image height and width; C channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, TiffTags

from satlib.images.sixteen_bit import UnsupportedImageError

MAX_PIXELS = 2**24
"""Largest image that is taken by default, in input pixels (4096 x 4096)."""

PIL_MODES = {
    "1": "L", "L": "L", "LA": "LA", "La": "LA", "P": "RGB", "PA": "RGBA", "RGB": "RGB", "RGBX": "RGB", "RGBA": "RGBA",
    "RGBa": "RGBA",
}  # fmt: skip
"""What each 8-bit mode of Pillow is converted to."""

PIXEL_TAGS = frozenset(
    (254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 330, 338, 339, 347,
     512, 513, 514, 700, 33723, 34377, 34675)
)  # fmt: skip
"""TIFF tags that tell how pixels are stored, or hold what is kept elsewhere or not at all; no part of the EXIF kept."""

UNREADABLE = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, AttributeError,
    struct.error,
)  # fmt: skip
"""What Pillow raises at damaged files."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright image in memory."""

    pixels: npt.NDArray[Any]
    """(H, W, C) uint8, uint16, or floating in [0, 1]."""
    exif: bytes = b""
    """EXIF as it is stored in a JPEG file, without orientation; empty for none."""
    icc: bytes = b""
    """ICC profile; empty for none."""

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.pixels.shape[2] in (2, 4)

    def with_pixels(self, pixels: npt.NDArray[Any]) -> "Picture":
        """Return this picture's colour space and EXIF around other pixels; the size that EXIF records follows."""
        exif = Image.Exif()
        exif.load(self.exif)
        return Picture(pixels, _exif_bytes(exif, (pixels.shape[1], pixels.shape[0])), self.icc)


def from_array(array: npt.NDArray[Any], *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Take an array (H, W) or (H, W, C) of uint8, uint16, or floats in [0, 1].

    Raises
    ------
    ValueError
        For another shape or dtype, no or more than ``max_pixels`` pixels, or floats that are not in [0, 1].
    """
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
        raise ValueError(f"an image array must be (H, W) or (H, W, C) with C in 1..4, got shape {array.shape}")
    check_size(array.shape[1], array.shape[0], max_pixels)
    if array.dtype not in (np.uint8, np.uint16, np.float16, np.float32, np.float64):
        raise ValueError(f"an image array must be uint8, uint16 or floating, got {array.dtype}")
    if array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())  # NaN if any pixel is
        if not (low >= 0 and high <= 1):
            raise ValueError(f"a floating image must lie in [0, 1] and be finite, got values from {low} to {high}")
    return Picture(array[..., None] if array.ndim == 2 else array)


def from_pil(image: Image.Image, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Take a PIL image: palettes become RGB, bilevel images grey, a transparent colour an alpha channel.

    Raises
    ------
    ValueError
        For a mode that is not taken (CMYK, LAB, I, F ...) or a size of zero or more than ``max_pixels``.
    """
    check_size(*image.size, max_pixels)
    return make_picture(image, pil_pixels(image))


def to_pil(picture: Picture) -> Image.Image:
    """Return a PIL image with the EXIF and ICC profile in its ``info``.

    Raises
    ------
    ValueError
        For floats and for 16-bit colour or alpha, which Pillow has no mode for.
    """
    pixels = picture.pixels
    if pixels.dtype != np.uint8 and not fits_pil(picture):
        raise ValueError(f"a PIL image cannot hold {pixels.shape[2]} channels of {pixels.dtype}")
    image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels))
    if picture.exif:
        image.info["exif"] = picture.exif
    if picture.icc:
        image.info["icc_profile"] = picture.icc
    return image


def fits_pil(picture: Picture) -> bool:
    """Tell whether Pillow has a mode for the picture: all 8-bit ones, and 16-bit grey."""
    pixels = picture.pixels
    return pixels.dtype == np.uint8 or (pixels.dtype == np.uint16 and pixels.shape[2] == 1)


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise UnsupportedImageError for an image without pixels or with more than ``max_pixels``."""
    if width < 1 or height < 1:
        raise UnsupportedImageError(f"the image has no pixels: {width} x {height}")
    if width * height > max_pixels:
        raise UnsupportedImageError(
            f"the image has {width} x {height} pixels, more than max_pixels = {max_pixels}; raise it to go on"
        )


def pil_pixels(image: Image.Image) -> npt.NDArray[Any]:
    """Return the pixels of an image in one of Pillow's modes, (H, W, C) uint8 or uint16, as they are stored."""
    if image.mode.startswith("I;16"):
        gray = np.asarray(image).astype(np.uint16)[..., None]
        return gray
    if image.mode not in PIL_MODES:
        raise UnsupportedImageError(f"mode {image.mode} is not supported; convert the image to 8-bit RGB or 16 bits")
    image.load()
    mode = PIL_MODES[image.mode]
    if image.has_transparency_data:
        mode = "LA" if mode in ("L", "LA") else "RGBA"
    pixels = np.asarray(image.convert(mode))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def make_picture(image: Image.Image, pixels: npt.NDArray[Any]) -> Picture:
    """Turn the pixels of an image upright, and add its profile and its EXIF."""
    exif = _exif_of(image)
    if pixels.dtype == np.uint16 and "transparency" in image.info:
        pixels = _with_clear_color(pixels, image.info["transparency"])
    upright = _upright(pixels, exif.get(ExifTags.Base.Orientation, 1))
    size = (upright.shape[1], upright.shape[0])
    return Picture(np.ascontiguousarray(upright), _exif_bytes(exif, size), image.info.get("icc_profile") or b"")


def _with_clear_color(pixels: npt.NDArray[Any], clear: int | tuple[int, ...]) -> npt.NDArray[Any]:
    """Add an alpha channel to 16-bit (H, W, C) pixels that is 0 where they have the colour ``clear``."""
    opaque = (pixels != np.asarray(clear)).any(axis=-1, keepdims=True)
    return np.concatenate((pixels, opaque * np.uint16(65535)), axis=-1)


def _upright(pixels: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Apply an EXIF orientation (1 to 8; others do nothing) to (H, W, C) pixels."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _exif_of(image: Image.Image) -> Image.Exif:
    """Return an image's EXIF, an empty one if it is damaged: pixels are not refused for their metadata."""
    try:
        return image.getexif()
    except UNREADABLE:
        return Image.Exif()


def _exif_bytes(exif: Image.Exif, size: tuple[int, int]) -> bytes:
    """Return EXIF without orientation for an image of ``size`` (width, height); empty if it has nothing else."""
    kept = Image.Exif()
    try:
        for tag in set(exif) - PIXEL_TAGS - set(TiffTags.TAGS_V2_GROUPS):
            kept[tag] = exif[tag]
        if ExifTags.Base.Orientation in kept:
            kept[ExifTags.Base.Orientation] = 1
        for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            group = _group(exif, tag, size)
            if group:
                kept[tag] = group
        return kept.tobytes() if len(kept) else b""
    except UNREADABLE:
        return b""


def _group(exif: Image.Exif, tag: int, size: tuple[int, int]) -> dict[int, Any]:
    """Return a group of EXIF tags (camera settings, position) with the image's size, where recorded, as ``size``."""
    group = dict(exif.get_ifd(tag))
    sizes = (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight)
    group |= {key: side for key, side in zip(sizes, size, strict=True) if key in group}
    if ExifTags.IFD.Interop in group:
        group[ExifTags.IFD.Interop] = dict(exif.get_ifd(ExifTags.IFD.Interop))
    return group
