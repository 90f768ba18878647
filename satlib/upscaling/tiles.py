"""Upscaling by tiles: equal, overlapping tiles of an image, blended by weights that add up to one everywhere.

SAT attends to the whole image, so a tiled result is not the whole image's: each tile aggregates its own tokens. What
is promised is a seamless result, and the whole image's own when one tile covers it.

Shapes: C channels, H, W image height and width, T the side of a tile, s the scale.
"""

import math
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from satlib.support.progress import Report


def tile_starts(length: int, tile: int, overlap: int) -> list[int]:
    """Return where tiles of ``tile`` pixels start on an axis of ``length``, neighbours sharing >= ``overlap``.

    As few tiles as will do, spread evenly from 0 to ``length - tile``; one at 0 if a tile covers the axis.
    """
    if tile >= length:
        return [0]
    count = math.ceil((length - overlap) / (tile - overlap))
    return [i * (length - tile) // (count - 1) for i in range(count)]


def tile_weights(length: int, starts: list[int], tile: int, overlap: int) -> Tensor:
    """Return the weight of every tile's pixels along an axis, (tiles, T) float64, summing to 1 at each pixel.

    A tile counts fully but for a sine-squared rise and fall over ``overlap`` pixels at its ends; where tiles meet,
    their weights are divided by the sum.
    """
    place = torch.arange(tile, dtype=torch.float64) + 0.5
    from_end = torch.minimum(place, tile - place)
    bump = torch.sin(math.pi / 2 * (from_end / max(overlap, 0.5)).clamp(max=1)).square()
    index = torch.tensor(starts)[:, None] + torch.arange(tile)  # (tiles, T)
    total = bump.new_zeros(length).index_add_(0, index.flatten(), bump.repeat(len(starts)))
    return bump / total[index]


class _Strip(NamedTuple):
    """One tile's part of an axis."""

    source: slice
    target: slice
    weight: Tensor


def _strips(length: int, tile: int, overlap: int, scale: int) -> list[_Strip]:
    tile = min(tile, length)
    starts = tile_starts(length, tile, overlap)
    weights = tile_weights(scale * length, [scale * start for start in starts], scale * tile, scale * overlap)
    return [
        _Strip(slice(start, start + tile), slice(scale * start, scale * (start + tile)), weight)
        for start, weight in zip(starts, weights, strict=True)
    ]


def run_tiles(
    image: Tensor, run: Callable[[Tensor], Tensor], *, scale: int, tile: int, overlap: int, report: Report
) -> Tensor:
    """Upscale an image tile by tile.

    Parameters
    ----------
    image
        (C, H, W).
    run
        Maps a tile (C, h, w) to (C, sh, sw). All tiles have one size, min(T, H) by min(T, W).
    scale, tile, overlap
        s, T, and the pixels that neighbours share at least; T > 2 * overlap.
    report
        Told before the first tile and after each.

    Returns
    -------
    Tensor
        (C, sH, sW), of the image's dtype and device.
    """
    rows, columns = (_strips(length, tile, overlap, scale) for length in image.shape[1:])
    total = len(rows) * len(columns)
    report(0, total)
    if total == 1:
        whole = run(image)
        report(1, 1)
        return whole
    out = image.new_zeros(image.shape[0], image.shape[1] * scale, image.shape[2] * scale)
    for done, (row, column) in enumerate(product(rows, columns), 1):
        upscaled = run(image[:, row.source, column.source])
        out[:, row.target, column.target] += upscaled * torch.outer(row.weight, column.weight).to(upscaled)
        report(done, total)
    return out
