"""Image files in and out: PNG, JPEG, WebP and TIFF, and in alone BMP and GIF, with all the bits that they have.

Reading bounds the size before anything is decoded, names the file in every error, and says as a warning what was
converted. Writing replaces a file whole or leaves it alone.
"""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import IO, Any

from PIL import Image, UnidentifiedImageError

from satlib.images.bmp import check_bmp
from satlib.images.decoded import Decoded, to_picture
from satlib.images.formats import READ, UnsupportedImageError, check_format, format_of
from satlib.images.gif import check_gif
from satlib.images.jpeg import check_scans, check_taken, layout_of
from satlib.images.metadata import UNREADABLE, exif_with_dpi
from satlib.images.picture import MAX_PIXELS, Picture, to_pil
from satlib.images.pil_images import Check, read_with_pillow
from satlib.images.png import read_png, write_png
from satlib.images.profiles import fits, gray_to_rgb, profile_of_gamma
from satlib.images.remarks import remark
from satlib.images.turned import exif_under_another_name
from satlib.images.webp import check_webp
from satlib.support.errors import first_line
from satlib.support.files import replacing

EXIF = b"Exif\0\0"
"""The name of EXIF, which encoders add where it is missing."""


def read(path: str | PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read an image file, with all its bits; of a GIF, the first frame.

    CMYK and LAB are converted to sRGB. That, and what else is not kept as it was, is said by a warning
    (:class:`satlib.images.remarks.ImageRemark`).

    Raises
    ------
    OSError
        If there is no such file, or it is no image of these formats, damaged or truncated.
    ValueError
        If the image has more than ``max_pixels`` pixels, several pages or frames, or samples that are not taken. The
        size is checked before anything is decoded.
    """
    path = Path(path)
    with path.open("rb") as file, _faults_named(path):
        decoded = _decode(file if file.seekable() else io.BytesIO(file.read()), max_pixels)
        picture = to_picture(decoded)
    remark(path, decoded.remarks)
    return picture


def _decode(file: IO[bytes], max_pixels: int) -> Decoded:
    head = file.read(12)
    name = format_of(head)
    file.seek(0)
    if name is None:
        raise UnidentifiedImageError
    if name == "PNG":
        return read_png(file.read(), max_pixels)
    if name == "TIFF":
        from satlib.images.tiff import read_tiff

        return read_tiff(file, max_pixels)
    data = file.read()
    check = _check_of(data, name)
    decoded = read_with_pillow(io.BytesIO(data), name, max_pixels, check)
    if name in ("JPEG", "WEBP") and not decoded.has_exif:
        decoded.turned = exif_under_another_name(data)
    return decoded


def _check_of(data: bytes, name: str) -> Check:
    """Return what holds a file of a format against its decoded image; JPEG that is not read is refused here."""
    if name == "JPEG":
        layout = layout_of(data)
        check_taken(layout)
        return partial(check_scans, data, layout)
    checks: dict[str, Callable[[bytes, Image.Image], list[str]]] = {
        "WEBP": check_webp,
        "BMP": check_bmp,
        "GIF": check_gif,
    }
    return partial(checks[name], data)


def write(picture: Picture, path: str | PathLike[str], *, quality: int = 95) -> None:
    """Write a picture in the format of the path's extension; the file appears whole or not at all.

    8-bit grey becomes colour in WebP, which has no grey. Gamma and chromaticities become a colour profile in formats
    other than PNG. A link is written through, and so is a pipe.

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
    name = check_picture(picture, path, quality=quality)
    fitting, said = _fitting(picture, name)
    data = _encode(fitting, name, quality)
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(data)
    remark(path, said)


def check_picture(picture: Picture, path: str | PathLike[str], scale: int = 1, *, quality: int = 95) -> str:
    """Return the format of a path; ValueError unless it holds a picture that is ``scale`` times as large."""
    height, width, channels = picture.pixels.shape
    size, icc = (width * scale, height * scale), len(picture.icc)
    exif = len(picture.exif.removeprefix(EXIF)) + len(EXIF) if picture.exif else 0
    return check_format(path, size, channels, picture.pixels.dtype, quality, exif=exif, icc=icc)


def _fitting(picture: Picture, name: str) -> tuple[Picture, list[str]]:
    """Return a picture with a profile that fits pixels and format, and what had to be changed for it."""
    said: list[str] = []
    channels = picture.pixels.shape[2]
    if not fits(picture.icc, channels):
        said.append("the colour profile is for other pixels and left out")
        picture = replace(picture, icc=b"")
    if name != "PNG" and not picture.icc:
        picture = replace(picture, icc=profile_of_gamma(channels, picture.gamma, picture.chromaticities))
    if name != "PNG" and picture.cicp and not picture.icc:
        said.append(f"{name} does not hold the colour space of video (cICP), which is left out")
    if name == "WEBP" and channels < 3 and picture.icc:
        pixels, how = gray_to_rgb(picture.pixels, picture.icc)
        said.append(how)
        picture = replace(picture, pixels=pixels, icc=b"")
    return picture, said


def _encode(picture: Picture, name: str, quality: int) -> bytes:
    if name == "TIFF":
        from satlib.images.tiff_writer import write_tiff

        return write_tiff(picture)
    if name == "PNG":
        return write_png(picture)
    options: dict[str, Any] = {"quality": quality}
    exif = exif_with_dpi(picture.exif, picture.dpi) if name == "WEBP" else picture.exif
    options |= {key: value for key, value in {"icc_profile": picture.icc, "exif": exif}.items() if value}
    if name == "JPEG":
        options["subsampling"] = 0  # colour as fine as brightness
        if picture.dpi is not None:
            options["dpi"] = tuple(max(1, min(65535, round(side))) for side in picture.dpi)
    buffer = io.BytesIO()
    to_pil(picture).save(buffer, name, **options)
    return buffer.getvalue()


@contextmanager
def _faults_named(path: Path) -> Iterator[None]:
    """Turn what decoders raise into one line that names the file, and keep their warnings about metadata quiet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (UnsupportedImageError, Image.DecompressionBombError) as error:
        raise UnsupportedImageError(f"{path}: {error}") from error
    except UnidentifiedImageError as error:
        raise OSError(f"{path} is not a {READ} image, or its header is damaged") from error
    except MemoryError:
        raise
    except (*UNREADABLE, RuntimeError, NotImplementedError, AssertionError) as error:
        raise OSError(f"{path} is damaged or truncated: {first_line(error)}") from error
