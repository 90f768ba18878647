"""EXIF and resolution: what of them stays with an upscaled image, and in which form.

EXIF is kept without orientation, which is applied, and without the tags that tell how pixels are stored. The size that
it records follows the image.
"""

import math
import struct
from collections.abc import Sequence
from typing import Any, SupportsFloat

from PIL import ExifTags, Image, TiffTags

Dpi = tuple[float, float]
"""Pixels per inch, across and down."""

PIXEL_TAGS = frozenset(
    (
        254,
        255,
        256,
        257,
        258,
        259,
        262,
        266,
        273,
        277,
        278,
        279,
        284,
        317,
        320,
        322,
        323,
        324,
        325,
        330,
        332,
        334,
        338,
        339,
        340,
        341,
        347,
        512,
        513,
        514,
        529,
        530,
        531,
        532,
        700,
        33723,
        34377,
        34675,
        37724,
    )
)
"""TIFF tags that tell how pixels are stored, or hold what is kept elsewhere or not at all; no part of the EXIF kept."""

UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    AttributeError,
    ZeroDivisionError,
    struct.error,
)
"""What Pillow raises at damaged files and damaged EXIF."""

INCH, CENTIMETER = 2, 3
"""Values of the tag ResolutionUnit."""


def exif_of(image: Image.Image) -> Image.Exif:
    """Return an image's EXIF, an empty one if it is damaged: pixels are not refused for their metadata."""
    try:
        return image.getexif()
    except UNREADABLE:
        return Image.Exif()


def load_exif(data: bytes) -> Image.Exif:
    """Return the EXIF in bytes, with or without its name in front; an empty one if it is damaged."""
    exif = Image.Exif()
    try:
        exif.load(data if data.startswith(b"Exif\0\0") or not data else b"Exif\0\0" + data)
    except UNREADABLE:
        return Image.Exif()
    return exif


def orientation_of(exif: Image.Exif) -> int:
    """Return the orientation that EXIF records: 1 to 8, 1 (upright) for none or an unknown one, which is 0.

    -1 if it is something else.
    """
    try:
        value = exif.get(ExifTags.Base.Orientation, 1)
    except UNREADABLE:
        return -1
    return (value or 1) if isinstance(value, int) and 0 <= value <= 8 else -1


def exif_bytes(exif: Image.Exif, size: Sequence[int]) -> bytes:
    """Return EXIF without orientation for an image of ``size`` (H, W); empty if it has nothing else."""
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


def _group(exif: Image.Exif, tag: int, size: Sequence[int]) -> dict[int, Any]:
    """Return a group of EXIF tags (camera settings, position) with the image's size, where recorded, as ``size``."""
    group = dict(exif.get_ifd(tag))
    sizes = (ExifTags.Base.ExifImageHeight, ExifTags.Base.ExifImageWidth)
    group |= {key: side for key, side in zip(sizes, size, strict=True) if key in group}
    if ExifTags.IFD.Interop in group:
        group[ExifTags.IFD.Interop] = dict(exif.get_ifd(ExifTags.IFD.Interop))
    return group


def check_dpi(value: Sequence[SupportsFloat] | None) -> Dpi | None:
    """Return a resolution as two numbers; None if it is none, not finite or not positive."""
    try:
        across, down = (float(side) for side in value or ())
    except UNREADABLE:
        return None
    return (across, down) if all(math.isfinite(x) and 0 < x < 1e7 for x in (across, down)) else None


def dpi_of(exif: Image.Exif) -> Dpi | None:
    """Return the resolution that EXIF records in inches or centimeters; None if it records none."""
    try:
        unit = exif.get(ExifTags.Base.ResolutionUnit, INCH)
        found = check_dpi((exif[ExifTags.Base.XResolution], exif[ExifTags.Base.YResolution]))
    except UNREADABLE:
        return None
    if found is None or unit not in (INCH, CENTIMETER):
        return None
    return (found[0] * 2.54, found[1] * 2.54) if unit == CENTIMETER else found


def exif_with_dpi(exif: bytes, dpi: Dpi | None) -> bytes:
    """Return EXIF that records a resolution, unless it records one already."""
    tags = load_exif(exif)
    if dpi is None or ExifTags.Base.XResolution in tags:
        return exif
    tags[ExifTags.Base.XResolution], tags[ExifTags.Base.YResolution] = dpi
    tags[ExifTags.Base.ResolutionUnit] = INCH
    return tags.tobytes()
