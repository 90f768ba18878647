"""Squares to look at, chosen by a rule, and the part of a large image that is looked at with one.

Shapes: H, W sides of the input, s the scale.
"""

from itertools import product

import torch
from torch import Tensor
from torch.nn import functional

from satlib.analysis.attribution import Square, check_square
from satlib.support.checks import require
from satlib.upscaling.models import Bicubic


def strongest_square(image: Tensor, scale: int, side: int) -> Square:
    """Return the square of the output that has the most detail when an image (3, H, W) is interpolated.

    Squares begin at multiples of half their side. Of several the first in raster order is taken.

    Raises
    ------
    ValueError
        If the output is smaller than a square.
    """
    check_square(Square(0, 0, side), image, scale)
    output = Bicubic(scale)(image[None].float())
    slopes = functional.pad(output.diff(dim=-2).abs(), (0, 0, 0, 1)) + functional.pad(output.diff().abs(), (0, 1))
    detail = functional.avg_pool2d(slopes.sum(1, keepdim=True), side, stride=max(1, side // 2))[0, 0]
    row, column = divmod(int(detail.argmax()), detail.shape[1])
    return Square(row * max(1, side // 2), column * max(1, side // 2), side)


def strongest_squares(image: Tensor, scale: int, side: int, parts: tuple[int, int]) -> list[Square]:
    """Return the square with the most detail in each part of an image (3, H, W), in raster order: busy and plain ones.

    The image is cut into ``parts``, so many rows and columns of equal size; what is left over at the lower and the
    right edge is in no part. In each the square is that of :func:`strongest_square`.

    Raises
    ------
    ValueError
        If there is no part, or one is smaller than a square.
    """
    require(min(parts) >= 1, "parts", parts, "at least one row and one column")
    height, width = (length // n for length, n in zip(image.shape[1:], parts, strict=True))
    found = []
    for top, left in product(range(parts[0]), range(parts[1])):
        part = image[:, top * height : (top + 1) * height, left * width : (left + 1) * width]
        row, column, _ = strongest_square(part, scale, side)
        found.append(Square(scale * top * height + row, scale * left * width + column, side))
    return found


def part_around(image: Tensor, square: Square, scale: int, length: int) -> tuple[Tensor, Square]:
    """Cut the part of an image (3, H, W), at most ``length`` pixels wide and high, whose middle is the square.

    Returns
    -------
    Tensor
        (3, h, w), the whole image if it is small enough.
    Square
        The same square in the part's output.

    Raises
    ------
    ValueError
        If the square is not in the output, or larger than the part's.
    """
    check_square(square, image, scale)
    starts = []
    for first, size in zip(square[:2], image.shape[1:], strict=True):
        begin, end = _under(first, square.side, scale)
        require(end - begin <= length, "the part", length, f"at least {end - begin} pixels wide")
        starts.append(max(0, min((begin + end - length) // 2, size - length)))
    top, left = starts
    part = image[:, top : top + length, left : left + length]
    moved = Square(square.row - scale * top, square.column - scale * left, square.side)
    check_square(moved, part, scale)
    return part, moved


def distance_from(square: Square, grid: tuple[int, int], scale: int) -> Tensor:
    """Return how many input pixels each one is away from those under the square, (H, W) int64: 0 there.

    Diagonal steps count as one.
    """
    away = []
    for first, size in zip(square[:2], grid, strict=True):
        begin, end = _under(first, square.side, scale)
        place = torch.arange(size)
        away.append(torch.maximum(begin - place, place - (end - 1)).clamp_min(0))
    return torch.maximum(away[0][:, None], away[1])


def share_beyond(found: Tensor, distance: Tensor) -> Tensor:
    """Return the share of a map's absolute values that lies farther away than 0, 1, 2 ... pixels, (D,) float64.

    Parameters
    ----------
    found, distance
        (H, W): a map, and :func:`distance_from` its square. D is the largest distance; the last share is 0.
    """
    rings = torch.zeros(int(distance.max()) + 1, dtype=torch.float64)
    rings.index_add_(0, distance.flatten(), found.abs().double().flatten())
    return 1 - rings.cumsum(0) / rings.sum().clamp_min(1e-300)


def _under(first: int, side: int, scale: int) -> tuple[int, int]:
    """Return where the input pixels under ``side`` output pixels from ``first`` on begin and end, along one axis."""
    return first // scale, -(-(first + side) // scale)
