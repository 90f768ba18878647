"""Image files in and out: PNG, JPEG, WebP and TIFF, with all 16 bits where they have them.

Reading bounds the size before anything is decoded, and names the file in every error. Writing replaces a file whole
or leaves it alone.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from satlib.images.picture import MAX_PIXELS, UNREADABLE, Picture, check_size, make_picture, pil_pixels, to_pil
from satlib.images.sixteen_bit import UnsupportedImageError, encode_png, encode_tiff, is_deep, read_deep
from satlib.support.files import replacing

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
"""The format of a file by its extension, in lower case."""

MAX_SIDE = {"JPEG": 65500, "WEBP": 16383}
"""Longest side that a format holds, in pixels."""

_ELSEWHERE = "; choose .png or .tif"


def read(path: str | PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a PNG, JPEG, WebP or TIFF file, with all 16 bits where it has them.

    Raises
    ------
    OSError
        If there is no such file, or it is no image of these formats, damaged or truncated.
    ValueError
        If the image has more than ``max_pixels`` pixels, several pages or frames, or a mode that is not taken. The
        size is checked before anything is decoded.
    """
    path = Path(path)
    with path.open("rb") as file, _faults_named(path):
        image = Image.open(file, formats=sorted(set(FORMATS.values())))
        check_size(*image.size, max_pixels)
        frames = getattr(image, "n_frames", 1)
        if frames > 1 and image.format != "MPO":  # MPO: a JPEG photograph followed by previews
            raise UnsupportedImageError(f"it holds {frames} pages or frames, not one image")
        return make_picture(image, read_deep(file, image) if is_deep(image) else pil_pixels(image))


def write(picture: Picture, path: str | PathLike[str], *, quality: int = 95) -> None:
    """Write a picture in the format of the path's extension; the file appears whole or not at all.

    8-bit grey becomes colour in WebP, which has no grey.

    Parameters
    ----------
    quality
        Of JPEG (with full colour resolution) and WebP, 1 to 100.

    Raises
    ------
    ValueError
        If the format is unknown or cannot hold the picture, or the quality is out of range.
    OSError
        If the file cannot be written.
    """
    height, width, channels = picture.pixels.shape
    file_format = check_format(path, (width, height), channels, picture.pixels.dtype, quality)
    data = _encode(picture, file_format, quality)
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(data)


def check_format(
    path: str | PathLike[str], size: tuple[int, int], channels: int, dtype: npt.DTypeLike, quality: int = 95
) -> str:
    """Return the format that a path's extension asks for, once it is sure to hold an image.

    Parameters
    ----------
    size, channels, dtype
        Width and height, channels (1 to 4) and dtype of the image.
    quality
        Of JPEG and WebP, 1 to 100.

    Raises
    ------
    ValueError
        If the extension is unknown, the quality out of range, or the format has no such dtype, size or no alpha.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"quality must be in 1..100, got {quality}")
    suffix = Path(path).suffix
    if suffix.lower() not in FORMATS:
        raise ValueError(f"cannot write {path}: {suffix or 'no extension'} is not one of {', '.join(FORMATS)}")
    file_format = FORMATS[suffix.lower()]
    lossless = file_format in ("PNG", "TIFF")
    if dtype != np.uint8 and not (lossless and dtype == np.uint16):
        raise ValueError(f"cannot write {path}: {file_format} does not hold {np.dtype(dtype)}{_ELSEWHERE}")
    if file_format == "JPEG" and channels in (2, 4):
        raise ValueError(f"cannot write {path}: JPEG does not hold transparency{_ELSEWHERE}")
    if max(size) > MAX_SIDE.get(file_format, max(size)):
        raise ValueError(f"cannot write {path}: {file_format} does not hold {size[0]} x {size[1]} pixels{_ELSEWHERE}")
    return file_format


def _encode(picture: Picture, file_format: str, quality: int) -> bytes:
    metadata = {"exif": picture.exif, "icc": picture.icc}
    if file_format == "TIFF":
        return encode_tiff(picture.pixels, **metadata)
    if picture.pixels.dtype == np.uint16:
        return encode_png(picture.pixels, **metadata)
    options: dict[str, Any] = {"icc_profile": picture.icc} if picture.icc else {}
    if picture.exif:
        options["exif"] = picture.exif
    if file_format != "PNG":
        options["quality"] = quality
    if file_format == "JPEG":
        options["subsampling"] = 0  # colour as fine as brightness
    buffer = io.BytesIO()
    to_pil(picture).save(buffer, file_format, **options)
    return buffer.getvalue()


@contextmanager
def _faults_named(path: Path) -> Iterator[None]:
    """Turn what Pillow raises into one line that names the file, and keep its warnings about metadata quiet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (UnsupportedImageError, Image.DecompressionBombError) as error:
        raise UnsupportedImageError(f"{path}: {error}") from error
    except UnidentifiedImageError as error:
        raise OSError(f"{path} is not a PNG, JPEG, WebP or TIFF image, or its header is damaged") from error
    except UNREADABLE as error:
        raise OSError(f"{path} is damaged or truncated: {error}") from error
