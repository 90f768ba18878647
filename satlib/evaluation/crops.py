"""Crops for a close look, chosen by rules that see the photograph alone, and how good outputs are there.

A crop that is picked by eye can be the best one of a hundred. The rules here see the photograph alone: all squares of a
lattice, or the one with the most energy in its gradient.

Images are (H, W, 3) uint8; Y is the luma on which papers measure.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from satlib.metrics.fidelity import psnr, ssim
from satlib.metrics.luma import luma
from satlib.support.checks import integers

Pixels = npt.NDArray[np.uint8]
Box = tuple[int, int, int]
"""Top, left and side of a square, in pixels."""


class Square(NamedTuple):
    """One square of a photograph: where it is, how much there is to see, and the squared error of two outputs there."""

    box: Box
    energy: float
    """Mean squared length of the gradient of Y, in levels a pixel, squared."""
    before: float
    """Mean squared error of Y of the one output."""
    after: float
    """The same of the other."""

    @property
    def gain(self) -> float:
        """By how many dB the PSNR of the other is higher; infinite or not a number where an error is zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(10 * np.log10(np.float64(self.before) / self.after))


def gradient_energy(image: Pixels) -> npt.NDArray[np.float64]:
    """Return the squared length of the gradient of Y at each pixel, (H, W), by central differences.

    Raises
    ------
    ValueError
        If a side is shorter than two pixels.
    """
    if min(image.shape[:2]) < 2:
        raise ValueError(f"a gradient needs 2 x 2 pixels, got an image of {image.shape[0]} x {image.shape[1]}")
    down, right = np.gradient(luma(image))
    energy: npt.NDArray[np.float64] = down**2 + right**2
    return energy


def steepest_box(image: Pixels, side: int, *, margin: int = 0) -> Box:
    """Return the square with the most energy in its gradient, the first in reading order if there are several.

    Parameters
    ----------
    side
        Of the square.
    margin
        Pixels at each edge of the image that the square keeps away from.

    Raises
    ------
    ValueError
        If no such square lies in the image.
    """
    lattice(image, side, margin=margin)
    height, width = image.shape[:2]
    inner = gradient_energy(image)[margin : height - margin, margin : width - margin]
    sums = np.pad(inner, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    top, left = np.unravel_index(inside.argmax(), inside.shape)
    return int(top) + margin, int(left) + margin, side


def lattice(image: Pixels, side: int, *, margin: int = 0) -> list[Box]:
    """Return the squares of a side that lie beside each other from the top left; what is left over belongs to none.

    Raises
    ------
    ValueError
        If there is not a single one.
    """
    integers("side and margin", side, margin)
    height, width = image.shape[:2]
    rows, columns = ((length - 2 * margin) // side if side >= 1 and margin >= 0 else 0 for length in (height, width))
    if rows < 1 or columns < 1:
        raise ValueError(
            f"no square of {side} pixels lies in an image of {height} x {width} pixels with a margin of {margin}"
        )
    return [(margin + side * row, margin + side * column, side) for row in range(rows) for column in range(columns)]


def cut(image: Pixels, box: Box) -> Pixels:
    """Return the content of a box, (side, side, 3).

    Raises
    ------
    ValueError
        If it does not lie in the image.
    """
    top, left, side = box
    integers("box", *box)
    height, width = image.shape[:2]
    if side < 1 or not (0 <= top <= height - side and 0 <= left <= width - side):
        raise ValueError(f"the box {box} does not lie in an image of {height} x {width} pixels")
    return image[top : top + side, left : left + side]


def quality(output: Pixels, image: Pixels, box: Box) -> tuple[float, float]:
    """Return PSNR in dB and SSIM of an output in a box, on Y, all pixels of the box counted."""
    pair = cut(output, box), cut(image, box)
    return psnr(*pair), ssim(*pair)


def compare_squares(image: Pixels, before: Pixels, after: Pixels, boxes: list[Box]) -> list[Square]:
    """Return what two outputs of one image are like in each box."""
    energy = gradient_energy(image)
    errors = [(luma(output) - luma(image)) ** 2 for output in (before, after)]
    maps = (energy, *errors)
    return [Square(box, *(float(cut(values, box).mean()) for values in maps)) for box in boxes]
