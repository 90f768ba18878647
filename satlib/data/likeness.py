"""Whether a low-resolution image shows what its photograph shows: pairs of other content are refused by name.

The measure is the correlation of brightness between two images of one size, both averaged over 3 x 3 pixels against
noise, at the best of the shifts by up to two pixels. Of true pairs (the photographs of BSDS500 and cuts of 96 x 96 from
them, a quarter as large) it was at least 0.67: bicubic, grey, five times darker, shifted by two pixels, blurred by a
Gaussian of 3 pixels, with noise of 30 levels, and that in JPEG of quality 30. With blur, half the contrast, noise of 40
levels, a shift and JPEG of quality 20 at once it was at least 0.26. Of two photographs it is near 0, not always: what
is refused is wrong, and what is not may be. Of pairs of two photographs of BSDS500, six of ten are refused
(tests/data/test_likeness.py).
"""

from itertools import product

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

ALIKE = 0.1
"""Least correlation of the brightness of a photograph and its low-resolution version."""

FLAT = 4
"""Standard deviation of 8-bit brightness below which an image is like any other."""

SHIFT = 2
"""Pixels by which the two may be shifted."""


def check_alike(a: Image, b: Image, names: str) -> None:
    """Raise ValueError if two images of one size, (H, W) or (H, W, C), show different things; ``names`` has both."""
    found = likeness(a, b)
    if found < ALIKE:
        raise ValueError(f"{names} show different things: the correlation of their brightness is {found:.2f}")


def likeness(a: Image, b: Image) -> float:
    """Return the correlation of the brightness of two images of one size; 1 if one of them is nearly flat.

    Other shifts are tried only where the images do not fit as they are.
    """
    x, y = _smooth(a), _smooth(b)
    if min(x.std(), y.std()) < FLAT:
        return 1.0
    found = _correlation(x, y)
    if found >= ALIKE:
        return found
    sides = range(-SHIFT, SHIFT + 1)
    return max(_correlation(_part(x, down, right), _part(y, -down, -right)) for down, right in product(sides, sides))


def _smooth(image: Image) -> npt.NDArray[np.float64]:
    """Return the brightness of an image, each pixel the mean of 3 x 3."""
    gray = np.pad(image.astype(np.float64).reshape(*image.shape[:2], -1).mean(2), 1, mode="edge")
    height, width = image.shape[:2]
    total: npt.NDArray[np.float64] = sum(
        (gray[y : y + height, x : x + width] for y, x in product(range(3), range(3))), start=np.zeros((height, width))
    )
    return total / 9


def _part(image: npt.NDArray[np.float64], down: int, right: int) -> npt.NDArray[np.float64]:
    """Return what is left of an image without so many rows above (below: < 0) and columns on the left (right: < 0)."""
    height, width = image.shape
    return image[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]


def _correlation(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """Return the correlation of two images of one size; 1 if there is no contrast to tell it from."""
    return float(np.corrcoef(x.ravel(), y.ravel())[0, 1]) if x.size and min(x.std(), y.std()) > 0 else 1.0
