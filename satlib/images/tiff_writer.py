"""TIFF out: a minimal encoder, because neither Pillow nor tifffile gets the groups of EXIF tags beside deep pixels.

One strip, deflated; integers as their differences to the left. After Adobe's TIFF 6.0.
"""

import io
import zlib

from PIL import TiffImagePlugin, TiffTags

from satlib.images.metadata import exif_with_dpi, load_exif
from satlib.images.picture import Picture

MAX_BYTES = 2**32 - 2**26
"""Most bytes of compressed pixels: offsets have 32 bits, and tags need room before them."""


def write_tiff(picture: Picture) -> bytes:
    """Encode a picture of 8 or 16 bits or floats as a TIFF file.

    Raises
    ------
    ValueError
        If its compressed pixels take 4 GB or more.
    """
    pixels = picture.pixels
    height, width, channels = pixels.shape
    values = pixels.astype(pixels.dtype.newbyteorder("<"))
    integers = pixels.dtype.kind == "u"
    if integers:
        values[:, 1:] -= pixels[:, :-1]
    strip = zlib.compress(values.tobytes())
    if len(strip) > MAX_BYTES:
        raise ValueError(f"TIFF does not hold the {len(strip)} bytes that the pixels take; choose .png")
    tags = _directory(exif_with_dpi(picture.exif, picture.dpi))
    tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH] = width, height
    tags[TiffImagePlugin.BITSPERSAMPLE] = (8 * pixels.itemsize,) * channels
    tags[TiffImagePlugin.SAMPLESPERPIXEL] = channels
    tags[TiffImagePlugin.SAMPLEFORMAT] = (1 if integers else 3,) * channels
    tags[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 2 if channels > 2 else 1
    tags[TiffImagePlugin.PLANAR_CONFIGURATION] = 1
    tags[TiffImagePlugin.COMPRESSION], tags[TiffImagePlugin.PREDICTOR] = 8, 2 if integers else 1
    tags[TiffImagePlugin.ROWSPERSTRIP], tags[TiffImagePlugin.STRIPBYTECOUNTS] = height, len(strip)
    tags[TiffImagePlugin.STRIPOFFSETS] = 0  # from the end of the tags; Pillow adds their length
    tags.tagtype[TiffImagePlugin.STRIPOFFSETS] = TiffTags.LONG
    if channels in (2, 4):
        tags[TiffImagePlugin.EXTRASAMPLES] = 2  # alpha, not premultiplied
    if picture.icc:
        tags[TiffImagePlugin.ICCPROFILE] = picture.icc
    file = io.BytesIO()
    tags.save(file)
    return file.getvalue() + strip


def _directory(exif: bytes) -> TiffImagePlugin.ImageFileDirectory_v2:
    """Return a directory of tags that has those of EXIF, groups included."""
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    extra = load_exif(exif)
    for tag in extra:
        tags[tag] = extra.get_ifd(tag) if tag in TiffTags.TAGS_V2_GROUPS else extra[tag]
    return tags
