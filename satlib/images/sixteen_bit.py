"""Colour of 16 bits per channel in PNG and TIFF files, of which Pillow keeps only the high bytes.

Reading is Pillow's all the same (compression, predictors, interlacing, damage): a file is decoded a second time with
its samples declared to be in the other byte order, and the high byte that Pillow then keeps is the low byte of the
true order. Writing is a minimal encoder for each format: PNG after the W3C's third edition, TIFF after Adobe's 6.0.
Files with 16-bit grey alone are read by Pillow without this. The TIFF encoder writes 8 bits too, because Pillow does
not get the groups of EXIF tags into compressed TIFF.

Shapes: H, W image height and width; C channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
"""

import io
import struct
import sys
import zlib
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, TiffImagePlugin, TiffTags

_SWAPPED = "B" if sys.byteorder == "little" else "L"
OTHER_BYTE_ORDER = {
    "RGB;16B": "RGB;16L", "RGB;16L": "RGB;16B", "RGB;16N": f"RGB;16{_SWAPPED}",
    "RGBX;16B": "RGBX;16L", "RGBX;16L": "RGBX;16B", "RGBX;16N": f"RGBX;16{_SWAPPED}",
    "RGBA;16B": "RGBA;16L", "RGBA;16L": "RGBA;16B", "RGBA;16N": f"RGBA;16{_SWAPPED}",
    "LA;16B": "RGBA",  # the four bytes of a pixel as they are; Pillow has no "LA;16L"
}  # fmt: skip
"""Pillow's name of each layout of samples in a file ("raw mode"), and the one that gives the low bytes."""


class UnsupportedImageError(ValueError):
    """An intact image that is not taken: its size, mode or layout; the message says which."""


def is_deep(image: Image.Image) -> bool:
    """Tell whether a file that was opened and not yet loaded holds colour, or grey and alpha, of 16 bits."""
    if not isinstance(image, ImageFile.ImageFile) or image.mode not in ("RGB", "RGBA"):
        return False
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits: tuple[int, ...] = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
        return max(bits) == 16
    return ";16" in _raw_mode(image)


def read_deep(file: IO[bytes], image: Image.Image) -> npt.NDArray[np.uint16]:
    """Return the pixels of a file for which :func:`is_deep` holds, (H, W, C) with C 2, 3 or 4.

    Parameters
    ----------
    file, image
        The open file, and the image that Pillow opened from it.

    Raises
    ------
    UnsupportedImageError
        If the samples are laid out in a way that is not read here: separate planes, premultiplied alpha.
    """
    raw_mode = _raw_mode(image)
    if getattr(image, "tag_v2", {}).get(TiffImagePlugin.PLANAR_CONFIGURATION) == 2:
        raise UnsupportedImageError("16-bit colour in separate planes is not supported")
    if raw_mode not in OTHER_BYTE_ORDER:
        raise UnsupportedImageError(f"16-bit colour stored as {raw_mode} is not supported")
    file.seek(0)
    with Image.open(file) as second:
        assert isinstance(second, ImageFile.ImageFile)
        other = OTHER_BYTE_ORDER[raw_mode]
        second.tile = [tile._replace(args=_with_raw_mode(tile.args, other)) for tile in second.tile]
        low = np.asarray(second)
    if raw_mode == "LA;16B":
        return _join(low[..., ::2], low[..., 1::2])
    file.seek(0)
    return _join(np.asarray(image), low)


def _join(high: npt.NDArray[np.uint8], low: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    return np.stack((low, high), axis=-1).view("<u2")[..., 0].astype(np.uint16)


def _raw_mode(image: Image.Image) -> str:
    args = image.tile[0].args if isinstance(image, ImageFile.ImageFile) and image.tile else None
    return args if isinstance(args, str) else str(args[0]) if args else ""


def _with_raw_mode(args: tuple[Any, ...] | str | None, raw_mode: str) -> tuple[Any, ...] | str:
    """Return a decoder's arguments, which are a raw mode or start with one, with another raw mode."""
    return (raw_mode, *args[1:]) if isinstance(args, tuple) else raw_mode


def encode_png(pixels: npt.NDArray[np.uint16], *, exif: bytes = b"", icc: bytes = b"") -> bytes:
    """Encode (H, W, C) pixels as a 16-bit PNG file, each row as its difference to the row above."""
    height, width, channels = pixels.shape
    color_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = np.ascontiguousarray(pixels, dtype=">u2").view(np.uint8).reshape(height, -1)
    filtered = np.empty((height, 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = 2  # filter type "Up"
    filtered[:, 1:] = np.diff(rows, axis=0, prepend=np.uint8(0))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0))]
    if icc:
        chunks.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc)))
    if exif:
        chunks.append((b"eXIf", exif.removeprefix(b"Exif\0\0")))
    chunks += [(b"IDAT", zlib.compress(filtered.tobytes())), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in chunks)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def encode_tiff(pixels: npt.NDArray[Any], *, exif: bytes = b"", icc: bytes = b"") -> bytes:
    """Encode (H, W, C) uint8 or uint16 pixels as a TIFF file: one strip, each pixel as its difference to the left."""
    height, width, channels = pixels.shape
    differences = pixels.astype(pixels.dtype.newbyteorder("<"))
    differences[:, 1:] -= pixels[:, :-1]
    strip = zlib.compress(differences.tobytes())
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    extra = Image.Exif()
    extra.load(exif)
    for tag in extra:
        tags[tag] = extra.get_ifd(tag) if tag in TiffTags.TAGS_V2_GROUPS else extra[tag]
    tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH] = width, height
    tags[TiffImagePlugin.BITSPERSAMPLE], tags[TiffImagePlugin.SAMPLESPERPIXEL] = (
        (8 * pixels.itemsize,) * channels,
        channels,
    )
    tags[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 2 if channels > 2 else 1
    tags[TiffImagePlugin.PLANAR_CONFIGURATION] = 1
    tags[TiffImagePlugin.COMPRESSION], tags[TiffImagePlugin.PREDICTOR] = 8, 2  # deflate, horizontal differences
    tags[TiffImagePlugin.ROWSPERSTRIP], tags[TiffImagePlugin.STRIPBYTECOUNTS] = height, len(strip)
    tags[TiffImagePlugin.STRIPOFFSETS] = 0  # from the end of the tags; Pillow adds their length
    tags.tagtype[TiffImagePlugin.STRIPOFFSETS] = TiffTags.LONG
    if channels in (2, 4):
        tags[TiffImagePlugin.EXTRASAMPLES] = 2  # alpha, not premultiplied
    if icc:
        tags[TiffImagePlugin.ICCPROFILE] = icc
    file = io.BytesIO()
    tags.save(file)
    return file.getvalue() + strip
