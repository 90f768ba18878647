"""Images of Pillow, opened from JPEG, WebP, BMP and GIF files or handed in: what of them becomes a picture.

What has no fixed white level is refused, not guessed: 32-bit integers and floats. CMYK and LAB are converted.
"""

from collections.abc import Callable
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from satlib.images.bombs import pillow_bound
from satlib.images.decoded import Decoded, to_picture
from satlib.images.formats import UnsupportedImageError
from satlib.images.metadata import check_dpi, exif_of
from satlib.images.picture import MAX_PIXELS, Picture, check_size
from satlib.images.profiles import cmyk_to_rgb, lab_to_rgb
from satlib.images.remarks import remark
from satlib.images.turned import may_be_turned

PIL_MODES = {
    "1": "L",
    "L": "L",
    "LA": "LA",
    "La": "LA",
    "P": "RGB",
    "PA": "RGBA",
    "RGB": "RGB",
    "RGBX": "RGB",
    "RGBA": "RGBA",
    "RGBa": "RGBA",
}
"""What each 8-bit mode of Pillow is converted to."""

Check = Callable[[Image.Image], list[str]]
"""What holds a file against its decoded image."""

CONVERTED = ("CMYK", "LAB")
"""Modes that become sRGB by their profile."""


def from_pil(image: Image.Image, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Take a PIL image: palettes become RGB, bilevel images grey, a transparent colour an alpha channel.

    Raises
    ------
    ValueError
        For a mode that is not taken (HSV, YCbCr, I, F ...) or a size of zero or more than ``max_pixels``.
    """
    check_size(image.size[::-1], max_pixels)
    decoded = decode(image)
    picture = to_picture(decoded)
    remark("the image", decoded.remarks)
    return picture


def read_with_pillow(file: IO[bytes], name: str, max_pixels: int, check: Check) -> Decoded:
    """Decode an open file of the format that Pillow calls ``name``; of a GIF, the first frame.

    Parameters
    ----------
    check
        Is given the decoded image; raises OSError if the file contradicts itself, and returns what is to say.

    Raises
    ------
    UnsupportedImageError
        If it has more than ``max_pixels`` pixels, several frames, or a mode that is not taken.
    OSError, ...
        What Pillow raises at damaged files.
    """
    with pillow_bound(max_pixels):
        image = Image.open(file, formats=[name])
        check_size(image.size[::-1], max_pixels)
        frames = getattr(image, "n_frames", 1)
        if frames > 1 and image.format not in ("MPO", "GIF"):  # MPO: a JPEG photograph followed by previews
            raise UnsupportedImageError(f"it holds {frames} pages or frames, not one image")
        image.seek(0)
        image.load()
        remarks = check(image)
        decoded = decode(image)
    decoded.remarks += remarks
    if frames > 1 and image.format == "GIF":
        decoded.remarks.append(f"the first of its {frames} frames was taken")
    return decoded


def decode(image: Image.Image) -> Decoded:
    """Return the pixels of an image in one of Pillow's modes, (H, W, C) uint8 or uint16, with its metadata."""
    image.load()
    info, remarks = image.info, list[str]()
    icc = info.get("icc_profile") or b""
    pixels: npt.NDArray[Any]
    if image.mode == "CMYK":
        pixels, said = cmyk_to_rgb(np.asarray(image), icc)
    elif image.mode == "LAB":
        planes = [np.asarray(plane) for plane in image.split()]
        pixels, said = lab_to_rgb(np.dstack(planes), icc)
    else:
        pixels, said = _plain_pixels(image), ""
    if said:
        remarks, icc = [said], b""
    raw = info.get("exif") or b""
    gamma, places = info.get("gamma"), info.get("chromaticity") or ()
    return Decoded(
        pixels,
        exif_of(image),
        bool(raw),
        bool(raw) and may_be_turned(raw.removeprefix(b"Exif\0\0")),
        icc,
        check_dpi(info.get("dpi")),
        float(gamma) if isinstance(gamma, (int, float)) and gamma > 0 else None,
        tuple(map(float, places)) if len(places) == 8 else (),
        remarks=remarks,
    )


def _plain_pixels(image: Image.Image) -> npt.NDArray[Any]:
    if image.mode.startswith("I;16"):
        gray = np.asarray(image).astype(np.uint16)[..., None]
        clear = image.info.get("transparency")
        return gray if clear is None else _with_clear_color(gray, clear)
    if image.mode not in PIL_MODES:
        raise UnsupportedImageError(f"mode {image.mode} is not supported; convert the image to 8-bit RGB or 16 bits")
    mode = PIL_MODES[image.mode]
    if image.has_transparency_data:
        mode = "LA" if mode in ("L", "LA") else "RGBA"
    pixels = np.asarray(image.convert(mode))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _with_clear_color(pixels: npt.NDArray[np.uint16], clear: int) -> npt.NDArray[np.uint16]:
    """Add an alpha channel to 16-bit (H, W, 1) pixels that is 0 where they have the value ``clear``."""
    opaque = pixels != clear
    return np.concatenate((pixels, opaque * np.uint16(65535)), axis=-1)
