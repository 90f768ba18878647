"""Colour profiles: which pixels they fit, and conversion to sRGB of what has no pixels of its own here.

CMYK and LAB have no meaning without a profile, and a network for RGB takes neither: they become sRGB by Pillow's
ImageCms (littleCMS). So does grey with a profile where a format has no grey.

Shapes: H, W image height and width.
"""

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsProfile

HEADER = 128
"""Bytes of a profile's header; the space of its pixels stands at 16 to 20."""

SRGB = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
"""x and y of white, red, green and blue of sRGB."""

SRGB_GAMMA = 0.45455
"""The exponent that stands for sRGB in a PNG."""

_CLOSE = 0.002
_DATED = slice(24, 36)


def fits(icc: bytes, channels: int) -> bool:
    """Tell whether a profile is for pixels of ``channels``; too short a one to say so is taken to fit."""
    return len(icc) < HEADER or icc[16:20] == (b"GRAY" if channels < 3 else b"RGB ")


def cmyk_to_rgb(pixels: npt.NDArray[np.uint8], icc: bytes) -> tuple[npt.NDArray[np.uint8], str]:
    """Convert (H, W, 4) with 255 for full ink to sRGB (H, W, 3), and say how.

    By the profile, or by the simple formula 255 - min(255, C + K) where there is none.
    """
    image = Image.frombytes("CMYK", (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    profile = _open(icc, b"CMYK")
    converted = None if profile is None else _convert(image, profile)
    if converted is not None:
        return np.asarray(converted), "CMYK was converted to sRGB by its colour profile"
    why = "its colour profile is damaged" if icc else "it has no colour profile"
    return np.asarray(image.convert("RGB")), f"CMYK was converted to RGB by a simple formula, because {why}"


def lab_to_rgb(pixels: npt.NDArray[np.uint8], icc: bytes = b"") -> tuple[npt.NDArray[np.uint8], str]:
    """Convert CIE L*a*b* (H, W, 3) to sRGB (H, W, 3), and say how.

    Parameters
    ----------
    pixels
        L from 0 to 255 for 0 to 100; a and b with 128 added.
    icc
        A profile of the space Lab; by default that of the illuminant D50.

    Raises
    ------
    OSError
        If the profile cannot be used.
    """
    from PIL import ImageCms

    planes = [Image.fromarray(np.ascontiguousarray(pixels[..., c])) for c in range(3)]
    image = Image.merge("LAB", planes)
    own = _open(icc, b"Lab ")
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    converted = _convert(image, own) if own is not None else None
    if converted is None:
        converted, own = _convert(image, plain), None
    if converted is None:
        raise OSError("LAB cannot be converted to sRGB")
    return np.asarray(converted), f"LAB was converted to sRGB{'' if own is None else ' by its colour profile'}"


def gray_to_rgb(pixels: npt.NDArray[np.uint8], icc: bytes) -> tuple[npt.NDArray[np.uint8], str]:
    """Convert grey (H, W, 1 or 2) with a profile for grey to sRGB (H, W, 3 or 4), and say how."""
    image = Image.fromarray(np.ascontiguousarray(pixels[..., 0]))
    profile = _open(icc, b"GRAY")
    converted = None if profile is None else _convert(image, profile)
    said = "its colour profile for grey is damaged and left out"
    if converted is not None:
        said = "grey was converted to sRGB by its colour profile, because WebP has no grey"
    rgb = np.asarray(image.convert("RGB") if converted is None else converted)
    return np.concatenate((rgb, pixels[..., 1:]), axis=2), said


def profile_of_gamma(channels: int, gamma: float | None, chromaticities: tuple[float, ...]) -> bytes:
    """Return a profile that says what a PNG's gAMA and cHRM say, for formats without them; empty for sRGB's own."""
    import imagecodecs

    places = chromaticities or SRGB
    usual = gamma is None or abs(gamma - SRGB_GAMMA) < _CLOSE
    if usual and (channels < 3 or all(abs(x - y) < _CLOSE for x, y in zip(places, SRGB, strict=True))):
        return b""
    exponent = 1 / (gamma or SRGB_GAMMA)
    white = (*places[:2], 1.0)
    try:
        if channels < 3:
            made = imagecodecs.cms_profile("gray", whitepoint=white, gamma=exponent)
        else:
            primaries = [value for c in range(1, 4) for value in (*places[2 * c : 2 * c + 2], 1.0)]
            made = imagecodecs.cms_profile("rgb", whitepoint=white, primaries=primaries, gamma=exponent)
    except (ValueError, RuntimeError):
        return b""  # chromaticities that no colours have
    profile = bytearray(made)
    profile[_DATED] = bytes.fromhex("07d000010001000000000000")  # a fixed date, for the same bytes every time
    return bytes(profile)


def _open(icc: bytes, space: bytes) -> "ImageCmsProfile | None":
    """Return a profile for pixels of a space, or None for another or a damaged one."""
    from PIL import ImageCms

    if len(icc) < HEADER or icc[16:20] != space:
        return None
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(icc))
    except (OSError, ValueError, TypeError):
        return None


def _convert(image: Image.Image, profile: "ImageCmsProfile") -> Image.Image | None:
    """Convert an image to sRGB, relative to the paper's white and with black point compensation; None if it fails."""
    from PIL import ImageCms

    try:
        done: Any = ImageCms.profileToProfile(
            image,
            profile,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return done if isinstance(done, Image.Image) else None
