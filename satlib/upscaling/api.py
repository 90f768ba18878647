"""`upscale`: any image through SAT or the bicubic baseline; and the same for files.

How a picture is run is in `inference`, what a file or a PIL image is made of in `images` and `picture`.
"""

from contextlib import AbstractContextManager, nullcontext
from os import PathLike
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from satlib.images.files import check_format, read, write
from satlib.images.inputs import as_picture
from satlib.images.picture import MAX_PIXELS, Picture, fits_pil, to_pil
from satlib.network.model import SAT
from satlib.support.paths import as_path, check_name, check_writable
from satlib.support.progress import Report
from satlib.upscaling.models import Bicubic, ModelLike, get_model, scale_of
from satlib.upscaling.run import Precision, Tile, upscale_picture

JPEG_EXIF = 65_533
"""Bytes of EXIF that a JPEG file holds, in one segment."""

JPEG_PROFILE = 255 * 65_519
"""Bytes of an ICC profile that it holds, in 255 segments."""


@overload
def upscale(
    image: npt.NDArray[Any],
    model: ModelLike = ...,
    *,
    tile: Tile = ...,
    overlap: int = ...,
    ensemble: bool = ...,
    precision: Precision = ...,
    device: torch.device | str | None = ...,
    progress: bool = ...,
    max_pixels: int = ...,
) -> npt.NDArray[Any]: ...


@overload
def upscale(
    image: Image.Image,
    model: ModelLike = ...,
    *,
    tile: Tile = ...,
    overlap: int = ...,
    ensemble: bool = ...,
    precision: Precision = ...,
    device: torch.device | str | None = ...,
    progress: bool = ...,
    max_pixels: int = ...,
) -> Image.Image: ...


@overload
def upscale(
    image: str | PathLike[str],
    model: ModelLike = ...,
    *,
    tile: Tile = ...,
    overlap: int = ...,
    ensemble: bool = ...,
    precision: Precision = ...,
    device: torch.device | str | None = ...,
    progress: bool = ...,
    max_pixels: int = ...,
) -> Image.Image | npt.NDArray[np.uint16]: ...


def upscale(
    image: str | PathLike[str] | Image.Image | npt.NDArray[Any],
    model: ModelLike = "sat-tiny-x4",
    *,
    tile: Tile = None,
    overlap: int = 16,
    ensemble: bool = False,
    precision: Precision = "float32",
    device: torch.device | str | None = None,
    progress: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Image.Image | npt.NDArray[Any]:
    """Upscale an image by the factor of a network.

    Parameters
    ----------
    image
        A path; a PIL image; or an array (H, W) or (H, W, C), C in 1..4, of uint8, uint16 or floats in [0, 1].
    model
        A name ("sat-tiny-x4"), a file of weights, a network, or the baseline "bicubic-x2", "-x3", "-x4" or "-x8". Of a
        network in a wrapper (``torch.compile``, ``DataParallel`` ...) the network itself is run.
    tile
        ``None``: the whole image at once. An integer: square tiles of this side in input pixels, at least 16 and
        more than two overlaps. "auto": the whole image if it is sure to fit in memory, else tiles, halved when
        memory runs out. SAT looks at all of its input, so tiles change the result, unless one covers the image.
    overlap
        Input pixels that neighbouring tiles share at least; they are blended there.
    ensemble
        Average over the eight flips and quarter turns of the input, in eight times the time.
    precision
        "float32", exact on every device; "bfloat16", faster and in less memory where a GPU has it; or "auto": bfloat16
        on a GPU if the whole image does not fit in memory otherwise.
    device
        ``None``: where the network is, or a GPU for a loaded one if CUDA has one.
    progress
        Show a bar of the tiles on stderr.
    max_pixels
        Largest input that is taken.

    Returns
    -------
    PIL image or array
        Of the same kind, mode or dtype: an array for an array, a PIL image for a PIL image or a path. A file with 16
        bits of colour or alpha gives a uint16 array (H, W, C), because Pillow has no such image. Palettes become RGB or
        RGBA and bilevel images grey; EXIF and ICC profile are kept in ``info``, and the image is upright.

    Raises
    ------
    ValueError, OSError
        One line that names what is wrong with the image, the file, the model, the tiles or the device.
    MemoryError
        If memory runs out; with ``tile="auto"`` only when the smallest tiles do not fit.
    """
    picture = as_picture(image, max_pixels)
    network = get_model(model, device)
    with _bar(progress) as report:
        result = upscale_picture(
            picture, network, tile=tile, overlap=overlap, ensemble=ensemble, precision=precision, report=report
        )
    if isinstance(image, np.ndarray):
        pixels = result.pixels.astype(image.dtype, copy=False)  # in its own order of bytes
        return pixels.reshape(pixels.shape[:2] + image.shape[2:])
    return to_pil(result) if fits_pil(result) else result.pixels


def upscale_file(
    source: str | PathLike[str],
    target: str | PathLike[str],
    model: SAT | Bicubic,
    *,
    tile: Tile = None,
    overlap: int = 16,
    ensemble: bool = False,
    precision: Precision = "float32",
    max_pixels: int = MAX_PIXELS,
    quality: int = 95,
    report: Report | None = None,
) -> tuple[int, int]:
    """Upscale a file into another, which appears whole or not at all, and return its width and height.

    What can be known before the work is checked before it. The parameters are those of :func:`satlib.upscale`,
    :func:`satlib.upscaling.run.upscale_picture` and :func:`satlib.images.files.write`; an existing target is replaced.

    Raises
    ------
    ValueError, OSError
        Also if ``target`` is ``source``, is a folder, cannot be written, or is of a format that cannot hold the result.
    """
    source, target = as_path(source, "source"), as_path(target, "target")
    check_target(source, target)
    check_format(target, (1, 1), 1, np.uint8, quality)  # before the image is read
    picture = read(source, max_pixels=max_pixels)
    height, width, channels = picture.pixels.shape
    scale = scale_of(model)
    size = (width * scale, height * scale)
    file_format = check_format(target, size, channels, picture.pixels.dtype, quality)
    pixels = np.broadcast_to(np.zeros((), picture.pixels.dtype), (height * scale, width * scale, channels))
    check_metadata(picture.with_pixels(pixels), file_format, target)
    result = upscale_picture(
        picture, model, tile=tile, overlap=overlap, ensemble=ensemble, precision=precision, report=report
    )
    write(result, target, quality=quality)
    return size


def check_target(source: Path, target: Path) -> None:
    """Raise OSError or ValueError if ``target`` cannot be written or is ``source``."""
    check_name(target)
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {target}: it is a folder; name a file, as {target / source.name}")
    check_writable(target)
    if target.exists() and source.exists() and target.samefile(source):
        raise ValueError(f"the output {target} is the input")


def check_metadata(picture: Picture, file_format: str, target: Path) -> None:
    """Raise ValueError if a format does not hold a picture's EXIF or profile: JPEG has a limit for both."""
    if file_format != "JPEG":
        return
    for what, content, longest in (("EXIF", picture.exif, JPEG_EXIF), ("an ICC profile", picture.icc, JPEG_PROFILE)):
        if len(content) > longest:
            found = f"JPEG holds {longest:,} bytes of {what} at most, the image has {len(content):,}"
            raise ValueError(f"cannot write {target}: {found}; choose .png or .tif")


def _bar(show: bool) -> AbstractContextManager[Report | None]:
    if not show:
        return nullcontext()
    from satlib.support.progress_bar import bar

    return bar("tiles")
