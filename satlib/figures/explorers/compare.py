"""Two images of one size as one picture, the left part of the first beside the right part of the second; enlarged."""

import io

from PIL import Image
from torch import Tensor

from satlib.figures.kit.style import pixels

SIDE = 512
"""Pixels that the longer side of a window is enlarged to, about; larger windows stay as they are."""


def split(left: Tensor, right: Tensor, share: float) -> Tensor:
    """Return the first of two images (3, h, w) up to a share of the width, and the second from there on.

    Raises
    ------
    ValueError
        If their shapes differ.
    """
    if left.shape != right.shape:
        raise ValueError(f"two images must have one shape, got {tuple(left.shape)} and {tuple(right.shape)}")
    place = round(share * left.shape[2])
    both = right.clone()
    both[:, :, :place] = left[:, :, :place]
    return both


def window(size: tuple[int, int], zoom: float, center: tuple[float, float]) -> tuple[slice, slice]:
    """Return rows and columns of a window that shows 1 / ``zoom`` of each side of an image.

    Parameters
    ----------
    size
        (h, w) in pixels.
    zoom
        At least 1; the window has a pixel at least.
    center
        Shares of height and width, in [0, 1], that the window is centred on, as far as the image allows.
    """
    spans = []
    for length, share in zip(size, center, strict=True):
        span = max(1, round(length / zoom))
        start = min(length - span, max(0, round(share * length - span / 2)))
        spans.append(slice(start, start + span))
    return spans[0], spans[1]


def enlarged(image: Tensor, divider: float | None = None) -> bytes:
    """Return an image (3, h, w) as a PNG whose pixels are squares, with a line at a share of the width."""
    picture = Image.fromarray(pixels(image))
    factor = max(1, SIDE // max(picture.size))
    large = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    if divider is not None:
        place = round(divider * image.shape[2]) * factor
        large.paste((255, 255, 255), (place - 1, 0, place, large.height))
        large.paste((0, 0, 0), (place, 0, place + 1, large.height))
    stream = io.BytesIO()
    large.save(stream, format="PNG", compress_level=1)
    return stream.getvalue()
