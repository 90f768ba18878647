"""What the samples of a TIFF mean: of 1 to 32 bits, floats, palettes, CMYK and LAB become pixels of a picture.

Shapes: H, W image height and width; S samples of a pixel; C channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from satlib.images.decoded import Decoded
from satlib.images.picture import check_range
from satlib.images.profiles import cmyk_to_rgb, lab_to_rgb

if TYPE_CHECKING:
    from tifffile import TiffPage

Samples = npt.NDArray[Any]

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9
"""Values of PhotometricInterpretation that are taken."""

COLORS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3, CIELAB: 3, ICCLAB: 3}
"""How many samples of a pixel are its colour; others are alpha or extra."""

PREMULTIPLIED, STRAIGHT = 1, 2
"""Values of ExtraSamples that mean alpha."""


def to_pixels(samples: Samples, page: "TiffPage", icc: bytes) -> Decoded:
    """Turn samples (H, W, S) into pixels of 8 or 16 bits or floats; CMYK and LAB into sRGB."""
    kind, bits = int(page.photometric), page.bitspersample
    assert isinstance(bits, int)
    color, others = samples[..., : COLORS[kind]], samples[..., COLORS[kind] :]
    remarks: list[str] = []
    if kind in (CIELAB, ICCLAB):
        color, said = lab_to_rgb(_lab(color, signed=kind == CIELAB), icc)
    elif kind == CMYK:
        color, said = cmyk_to_rgb(_to_depth(color, bits, 8), icc)
    else:
        said = ""
        if kind == PALETTE:
            color = _palette(page)[color[..., 0]]
        else:
            color = _to_depth(color, bits)
            if kind == WHITE_IS_ZERO:
                color = (1 if color.dtype.kind == "f" else np.iinfo(color.dtype).max) - color
    if said:
        remarks.append(said + (f", {bits} bits to 8" if bits > 8 else ""))
        icc = b""
    elif bits > 16 and color.dtype.kind == "u":
        remarks.append(f"{bits} bits were rounded to 16")
    pixels = _with_alpha(np.ascontiguousarray(color), others, page, remarks)
    check_range(pixels)
    return Decoded(pixels, icc=icc, remarks=remarks)


def _to_depth(samples: Samples, bits: int, wanted: int = 0) -> Samples:
    """Scale unsigned samples of 1 to 32 bits so that white is white at 8 or 16; floats stay as they are.

    ``wanted`` is 8, 16, or 0 for the smaller one that holds them.
    """
    if samples.dtype.kind == "f":
        return samples
    depth = wanted or (8 if bits <= 8 else 16)
    dtype = np.uint8 if depth == 8 else np.uint16
    if bits == depth:
        return samples.astype(dtype)
    scaled: Samples = np.rint(samples.astype(np.float64) * (np.iinfo(dtype).max / (2**bits - 1)))
    return scaled.astype(dtype)


def _palette(page: "TiffPage") -> npt.NDArray[np.uint8]:
    """Return the colours of a page, (entries, 3); old files have 8 of the 16 bits that the tag asks for."""
    assert page.colormap is not None
    colors = np.asarray(page.colormap).T
    return (colors if colors.max(initial=0) < 256 else colors >> 8).astype(np.uint8)


def _lab(samples: Samples, *, signed: bool) -> npt.NDArray[np.uint8]:
    """Return L*a*b* (H, W, 3) in 8 bits, with 128 added to a and b."""
    if samples.dtype.itemsize == 2:
        lightness = np.rint(samples[..., :1].astype(np.uint16) * (255 / (65535 if signed else 65280))).clip(0, 255)
        colors = np.rint(samples[..., 1:].astype(np.int16 if signed else np.uint16).astype(np.float32) / 256)
        colors = colors.clip(-128, 127) + 128 if signed else colors.clip(0, 255)
        return np.concatenate((lightness, colors), axis=2).astype(np.uint8)
    lab = samples.view(np.uint8).copy()
    if signed:
        lab[..., 1:] ^= 128
    return lab


def _with_alpha(color: Samples, others: Samples, page: "TiffPage", remarks: list[str]) -> Samples:
    """Add the first of the other samples (H, W, S) that is alpha, and say what of them is left out."""
    kinds = [int(kind) for kind in page.extrasamples][: others.shape[2]]
    place = next((i for i, kind in enumerate(kinds) if kind in (PREMULTIPLIED, STRAIGHT)), None)
    left = others.shape[2] - (place is not None)
    if left:
        remarks.append(
            f"{left} extra sample{'s' * (left > 1)} of each pixel that {'are' if left > 1 else 'is'} not alpha left out"
        )
    if place is None:
        return color
    assert isinstance(page.bitspersample, int)
    depth = 0 if color.dtype.kind == "f" else 8 * color.itemsize
    alpha = _to_depth(others[..., place : place + 1], page.bitspersample, depth)
    if kinds[place] == PREMULTIPLIED:
        color = _unpremultiplied(color, alpha)
    return np.concatenate((color, alpha), axis=2)


def _unpremultiplied(color: Samples, alpha: Samples) -> Samples:
    """Divide colours (H, W, C) by alpha (H, W, 1); black where nothing is visible."""
    white = 1 if color.dtype.kind == "f" else np.iinfo(color.dtype).max
    share = color.astype(np.float64) * white / np.maximum(alpha, np.finfo(np.float32).tiny)
    share = np.where(alpha > 0, share.clip(0, white), 0)
    return (share if color.dtype.kind == "f" else np.rint(share)).astype(color.dtype)
