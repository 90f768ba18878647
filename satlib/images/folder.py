"""The images of a folder: which files they are, and their pixels as 8-bit grey or RGB."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from satlib.images.files import read
from satlib.images.formats import FORMATS, is_image

CHANNELS = (1, 3)
"""Channels that images of a set may be given: grey or RGB."""

MAX_PIXELS_OF_SET = 2**27
"""Largest image that is read from a data set: 134 million pixels."""


def image_files(folder: Path, *, nested: bool = False) -> list[Path]:
    """Return the image files of a folder, by their extension and sorted by path; hidden files are left out.

    One that cannot be read is an error to whoever reads it, not skipped.

    Parameters
    ----------
    nested
        Whether folders inside it count.

    Raises
    ------
    OSError
        If it is no folder.
    ValueError
        If it has no images.
    """
    if folder.is_file():
        raise NotADirectoryError(f"{folder} is a file; a folder of images is needed")
    if not folder.is_dir():
        raise NotADirectoryError(f"no such folder: {folder}")
    files = sorted(path for path in _walk(folder, nested) if is_image(path))
    if not files:
        raise ValueError(f"{folder} has no images ({', '.join(FORMATS)})")
    return files


def _walk(folder: Path, nested: bool) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if _is_file(path):
            yield path
        elif nested and path.is_dir() and not path.is_symlink():
            yield from _walk(path, nested)


def _is_file(path: Path) -> bool:
    """Tell whether a path is a file, or a link to one that is not there: whoever reads it says so."""
    return path.is_file() or (path.is_symlink() and not path.exists())


def read_8bit(path: Path) -> npt.NDArray[np.uint8]:
    """Read an image as 8-bit grey (H, W) or RGB (H, W, 3); deeper is rounded to 8 bits, opaque alpha is dropped.

    Raises
    ------
    OSError, ValueError
        As :func:`satlib.images.files.read`; ValueError also if parts of it are transparent.
    """
    pixels: npt.NDArray[Any] = read(path, max_pixels=MAX_PIXELS_OF_SET).pixels
    white = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    if pixels.shape[2] in (2, 4):
        if (pixels[..., -1] != white).any():
            raise ValueError(f"{path} has transparent pixels")
        pixels = pixels[..., :-1]
    if pixels.dtype != np.uint8:
        pixels = np.rint(pixels * (255 / white))
    image = pixels.astype(np.uint8)
    return image[..., 0] if image.shape[2] == 1 else image


def with_channels(image: npt.NDArray[np.uint8], channels: int) -> npt.NDArray[np.uint8]:
    """Return 8-bit grey (H, W) or RGB (H, W, 3) as (H, W, channels), ``channels`` 1 or 3.

    Grey becomes three equal channels. RGB becomes the luma of BT.601 in full range, 0.299 R + 0.587 G + 0.114 B,
    rounded, as Pillow's mode "L" to a level: black is 0 and white is 255, unlike the Y that PSNR is measured on.

    Raises
    ------
    ValueError
        For another number of channels.
    """
    if channels not in CHANNELS:
        raise ValueError(f"channels must be 1 (grey) or 3 (RGB), got {channels!r}")
    if image.ndim == 2:
        return np.repeat(image[..., None], channels, axis=2)
    if channels == 3:
        return image
    red, green, blue = np.moveaxis(image.astype(np.int64), 2, 0)
    gray: npt.NDArray[np.uint8] = ((299 * red + 587 * green + 114 * blue + 500) // 1000).astype(np.uint8)
    return gray[..., None]


def bytes_by_headers(files: Sequence[Path], channels: int = 3) -> int:
    """Return how many bytes images take in 8 bits by the sizes in their headers; 0 where Pillow finds none."""
    total = 0
    for path in files:
        with suppress(OSError, ValueError, Image.DecompressionBombError), Image.open(path) as image:
            total += channels * image.width * image.height
    return total


def images_and_others(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the files of a folder, hidden ones and subfolders left out: images by their extension, and others.

    What is neither a file nor a folder, such as a pipe, is among the others, whatever its name.
    """
    found = sorted(path for path in folder.iterdir() if not path.is_dir() and not path.name.startswith("."))
    images = [path for path in found if is_image(path) and _is_file(path)]
    return images, [path for path in found if path not in images]
