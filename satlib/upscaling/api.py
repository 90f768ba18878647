"""`upscale`: any image through a network or the bicubic baseline; and the same for files.

How a picture is run is in `run`, what is done for its border and its grey in `care`.
"""

from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from satlib.images.files import check_picture, read, write
from satlib.images.formats import check_format
from satlib.images.inputs import as_picture
from satlib.images.picture import MAX_PIXELS, Picture, fits_pil, to_pil
from satlib.support.paths import as_path, check_name, check_writable
from satlib.support.progress import Progress, Report, silent
from satlib.upscaling.care import MARGIN, check_margin, with_care
from satlib.upscaling.models import Bicubic, ModelLike, Upscaler, get_model
from satlib.upscaling.run import upscale_picture
from satlib.upscaling.tiling import WHOLE, Precision, Tile, Tiling


@overload
def upscale(
    image: npt.NDArray[Any],
    model: ModelLike | Upscaler = ...,
    *,
    tile: Tile = ...,
    overlap: int = ...,
    ensemble: bool = ...,
    precision: Precision = ...,
    device: torch.device | str | None = ...,
    progress: bool = ...,
    margin: int = ...,
    max_pixels: int = ...,
) -> npt.NDArray[Any]: ...


@overload
def upscale(
    image: Image.Image,
    model: ModelLike | Upscaler = ...,
    *,
    tile: Tile = ...,
    overlap: int = ...,
    ensemble: bool = ...,
    precision: Precision = ...,
    device: torch.device | str | None = ...,
    progress: bool = ...,
    margin: int = ...,
    max_pixels: int = ...,
) -> Image.Image: ...


@overload
def upscale(
    image: str | PathLike[str],
    model: ModelLike | Upscaler = ...,
    *,
    tile: Tile = ...,
    overlap: int = ...,
    ensemble: bool = ...,
    precision: Precision = ...,
    device: torch.device | str | None = ...,
    progress: bool = ...,
    margin: int = ...,
    max_pixels: int = ...,
) -> Image.Image | npt.NDArray[np.uint16]: ...


def upscale(
    image: str | PathLike[str] | Image.Image | npt.NDArray[Any],
    model: ModelLike | Upscaler = "sat-tiny-x4",
    *,
    tile: Tile = None,
    overlap: int = 16,
    ensemble: bool = False,
    precision: Precision = "float32",
    device: torch.device | str | None = None,
    progress: bool = False,
    margin: int = MARGIN,
    max_pixels: int = MAX_PIXELS,
) -> Image.Image | npt.NDArray[Any]:
    """Upscale an image by the factor of a network.

    Parameters
    ----------
    image
        A path; a PIL image; or an array (H, W) or (H, W, C), C in 1..4, of uint8, uint16 or floats in [0, 1].
    model
        A name ("sat-tiny-x4"), a file of weights, a network, or the baseline "bicubic-x2", "-x3", "-x4" or "-x8". A
        network is a :class:`satlib.SAT` or another :class:`satlib.upscaling.models.Upscaler`; of a SAT in a wrapper
        (``torch.compile``, ``DataParallel`` ...) the network itself is run. One of scale 1 restores the image.
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
    margin
        Input pixels by which the image is continued on each side by its mirror image, so that the zeros beyond it do
        not darken its border; what they become is cut off. 0 gives the network's own output, which papers measure.
    max_pixels
        Largest input that is taken.

    Returns
    -------
    PIL image or array
        Of the same kind, mode or dtype: an array for an array, a PIL image for a PIL image or a path. A file with 16
        bits of colour or alpha gives a uint16 array (H, W, C), because Pillow has no such image. Palettes become RGB or
        RGBA and bilevel images grey; EXIF, ICC profile, resolution and gamma are kept in ``info``, and the image is
        upright. RGB whose channels are equal everywhere stays so. Colour under transparent pixels is not kept.

    Raises
    ------
    ValueError, OSError
        One line that names what is wrong with the image, the file, the model, the tiles or the device; or that the
        network takes images of other channels.
    MemoryError
        If memory runs out; with ``tile="auto"`` only when the smallest tiles do not fit.
    """
    tiling = Tiling(tile=tile, overlap=overlap, ensemble=ensemble, precision=precision)
    check_margin(margin)
    picture = as_picture(image, max_pixels)
    network = get_model(model, device)
    result = _upscale(picture, network, tiling, margin, _bar if progress else silent)
    if isinstance(image, np.ndarray):
        pixels = result.pixels.astype(image.dtype, copy=False)  # in its own order of bytes
        return pixels.reshape(pixels.shape[:2] + image.shape[2:])
    return to_pil(result) if fits_pil(result) else result.pixels


def upscale_file(
    source: str | PathLike[str],
    target: str | PathLike[str],
    model: Upscaler,
    tiling: Tiling = WHOLE,
    *,
    margin: int = MARGIN,
    max_pixels: int = MAX_PIXELS,
    quality: int = 95,
    progress: Progress = silent,
) -> tuple[int, int]:
    """Upscale a file into another, which appears whole or not at all, and return its size (H, W).

    What can be known before the work is checked before it. The parameters are those of
    :func:`satlib.upscaling.run.upscale_picture` and :func:`satlib.images.files.write`; an existing target is replaced.

    Raises
    ------
    ValueError, OSError
        Also if ``target`` is ``source``, is a folder, cannot be written, or is of a format that cannot hold the result.
    """
    check_margin(margin)
    source, target = as_path(source, "source"), as_path(target, "target")
    check_target(source, target)
    check_format(target, (1, 1), 1, np.uint8, quality)  # before the image is read
    picture = read(source, max_pixels=max_pixels)
    check_picture(picture, target, model.scale, quality=quality)
    write(_upscale(picture, model, tiling, margin, progress), target, quality=quality)
    return picture.pixels.shape[0] * model.scale, picture.pixels.shape[1] * model.scale


def _upscale(picture: Picture, model: Upscaler, tiling: Tiling, margin: int, progress: Progress) -> Picture:
    """Upscale with the care of :mod:`satlib.upscaling.care`; tiles are as large as asked for, without the margin."""
    if isinstance(model, Bicubic):
        margin = 0  # the baseline mirrors the image by itself
    if isinstance(tiling.tile, int):
        tiling = replace(tiling, tile=tiling.tile + 2 * margin)
    run = partial(upscale_picture, model=model, tiling=tiling, progress=progress)
    return with_care(picture, run, model.scale, margin)


def check_target(source: Path, target: Path) -> None:
    """Raise OSError or ValueError if ``target`` cannot be written or is ``source``."""
    check_name(target)
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {target}: it is a folder; name a file, as {target / source.name}")
    check_writable(target)
    if target.exists() and source.exists() and target.samefile(source):
        raise ValueError(f"the output {target} is the input")


def _bar(label: str) -> AbstractContextManager[Report]:
    from satlib.support.progress_bar import bar

    return bar(label)
