"""What counts as an image file: one list, for readers, folders, data sets and archives alike; and what is written.

The extension says what is looked for in a folder and what is written; what a file is, its first bytes say.
"""

from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jfif": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".gif": "GIF",
}
"""The format of a file by its extension, in lower case."""

READ = "PNG, JPEG, WebP, TIFF, BMP or GIF"
"""The formats that are read, in words."""

WRITTEN = {suffix: name for suffix, name in FORMATS.items() if name not in ("BMP", "GIF")}
"""The formats that are written; the other two hold neither profiles nor EXIF."""

MAX_SIDE = {"JPEG": 65500, "WEBP": 16383, "PNG": 1_000_000}
"""Longest side that a format, or its library, holds, in pixels."""

MAX_EXIF = {"JPEG": 65533}
"""Most bytes of EXIF that a format holds, with the six bytes of its name."""

MAX_PROFILE = {"JPEG": 255 * 65519, "PNG": 2**26}
"""Most bytes of a colour profile that a format holds; for PNG it is our own bound of what unpacks to that much."""

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}

_ELSEWHERE = "; choose .png or .tif"


class UnsupportedImageError(ValueError):
    """An intact image that is not taken: its size, mode or layout; the message says which."""


def format_of(head: bytes) -> str | None:
    """Return the format that the first 12 bytes of a file say, or None for no image."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def is_image(path: Path) -> bool:
    """Tell whether a file's extension is that of an image."""
    return path.suffix.lower() in FORMATS


def written_name(path: Path) -> str:
    """Return a name for the upscaled version of a file: its own, with .png for a format that is not written."""
    return path.name if path.suffix.lower() in WRITTEN else f"{path.stem}.png"


def check_format(
    path: str | PathLike[str],
    size: tuple[int, int],
    channels: int,
    dtype: npt.DTypeLike,
    quality: int = 95,
    *,
    exif: int = 0,
    icc: int = 0,
) -> str:
    """Return the format that a path's extension asks for, once it is sure to hold an image.

    Parameters
    ----------
    size, channels, dtype
        Width and height, channels (1 to 4) and dtype of the image.
    quality
        Of JPEG and WebP, 1 to 100.
    exif, icc
        Bytes of its EXIF and of its colour profile.

    Raises
    ------
    ValueError
        If the extension is unknown, the quality out of range, or the format has no such dtype, size, alpha, or no room
        for the EXIF or the profile.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"quality must be in 1..100, got {quality}")
    suffix = Path(path).suffix
    if suffix.lower() not in WRITTEN:
        raise ValueError(f"cannot write {path}: {suffix or 'no extension'} is not one of {', '.join(WRITTEN)}")
    name = WRITTEN[suffix.lower()]
    dtype = np.dtype(dtype)
    if not _holds_dtype(name, dtype):
        advice = "; choose .tif" if dtype.kind == "f" else _ELSEWHERE
        raise ValueError(f"cannot write {path}: {name} does not hold {dtype}{advice}")
    if name == "JPEG" and channels in (2, 4):
        raise ValueError(f"cannot write {path}: JPEG does not hold transparency{_ELSEWHERE}")
    if max(size) > MAX_SIDE.get(name, max(size)):
        advice = "; choose .tif" if name == "PNG" else _ELSEWHERE
        raise ValueError(f"cannot write {path}: {name} does not hold {size[0]} x {size[1]} pixels{advice}")
    for what, length, most in (("EXIF", exif, MAX_EXIF.get(name)), ("colour profile", icc, MAX_PROFILE.get(name))):
        if most is not None and length > most:
            raise ValueError(f"cannot write {path}: {name} holds {most} bytes of {what}, not {length}{_ELSEWHERE}")
    return name


def _holds_dtype(name: str, dtype: np.dtype[np.generic]) -> bool:
    if name == "TIFF":
        return dtype in (np.uint8, np.uint16, np.float16, np.float32, np.float64)
    return dtype == np.uint8 or (name == "PNG" and dtype == np.uint16)
