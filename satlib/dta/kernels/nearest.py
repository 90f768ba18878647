"""The largest similarity of each row and where it is, a tile of similarities at a time.

Serves the assignment (step 4), the separation (step 3) and the density with one neighbour (step 2). What is largest
does not depend on the order of looking, so the columns are shared out to as many programs as keep a device busy, and
the best of their results is taken.

Shapes: B images, R rows, Q columns, C channels, P parts of the columns.
"""

from typing import Literal

import torch
import triton.language as tl
from torch import Tensor

from satlib.dta.kernels.tiles import CHANNELS, COLUMNS, ROWS, WARPS, blocks, comparable, inverse_lengths, jit, products

PROGRAMS = 512
"""Programs to launch at least, where there is so much work: a few for each multiprocessor of a large GPU."""

Rule = Literal["tokens", "all", "others", "before"]


def nearest(a: Tensor, b: Tensor, rule: Rule) -> tuple[Tensor, Tensor]:
    """Return the largest similarity of each row of ``a`` and the first row of ``b`` that has it.

    Parameters
    ----------
    a, b
        (B, R, C) and (B, Q, C) float32.
    rule
        "tokens": ``a`` are tokens of any length, and similarities are compared in steps of 2^-20. "all": ``a`` are
        unit vectors. "others" and "before": ``a`` and ``b`` are the same unit vectors, and a row looks at all but
        itself, or at those before it.

    Returns
    -------
    tuple
        (B, R) similarities, for "tokens" in steps of 2^-20, and (B, R) int64 places; -inf and 0 where nothing is
        looked at.
    """
    a, b = a.contiguous(), b.contiguous()
    (n_images, n_rows, n_channels), n_columns = a.shape, b.shape[1]
    row_blocks, tiles = blocks(n_rows, ROWS), blocks(n_columns, COLUMNS)
    each = blocks(tiles, max(1, PROGRAMS // (row_blocks * n_images)))  # tiles of a part
    parts = blocks(tiles, each)
    best = a.new_empty(n_images, parts, n_rows)  # (B, P, R)
    place = torch.empty_like(best, dtype=torch.int64)
    _nearest[(row_blocks, parts, n_images)](
        a,
        b,
        best,
        place,
        n_rows,
        n_columns,
        n_channels,
        each * COLUMNS,
        rule,
        ROWS,
        COLUMNS,
        CHANNELS,
        num_warps=WARPS,
    )
    if parts == 1:
        return best[:, 0], place[:, 0]
    best, part = best.max(1, keepdim=True)  # of equal parts the first
    return best[:, 0], place.gather(1, part)[:, 0]


@jit
def _nearest(
    a: tl.tensor,
    b: tl.tensor,
    best_of_part: tl.tensor,
    place_of_part: tl.tensor,
    n_rows: tl.tensor,
    n_columns: tl.tensor,
    n_channels: tl.tensor,
    part_columns: tl.tensor,
    rule: tl.constexpr,
    tile_rows: tl.constexpr,
    tile_columns: tl.constexpr,
    step: tl.constexpr,
) -> tl.tensor:
    """One block of rows against one part of the columns of one image."""
    part = tl.program_id(1)
    image = tl.program_id(2).to(tl.int64)
    a += image * n_rows * n_channels
    b += image * n_columns * n_channels
    rows = tl.program_id(0) * tile_rows + tl.arange(0, tile_rows)
    valid = rows < n_rows
    scale = tl.full((tile_rows,), 1.0, tl.float32)
    if rule == "tokens":
        scale = inverse_lengths(a, rows, valid, n_channels, step)
    best = tl.full((tile_rows,), float("-inf"), tl.float32)
    place = tl.full((tile_rows,), 0, tl.int64)
    stop = tl.minimum((part + 1) * part_columns, n_columns)
    if rule == "before":
        stop = tl.minimum(stop, (tl.program_id(0) + 1) * tile_rows)
    for start in range(part * part_columns, stop, tile_columns):
        columns = start + tl.arange(0, tile_columns)
        similarity = products(a, rows, valid, scale, b, columns, columns < stop, n_channels, step)
        looked_at = (columns < stop)[None, :] & valid[:, None]
        if rule == "tokens":
            similarity = comparable(similarity)
        if rule == "others":
            looked_at = looked_at & (columns[None, :] != rows[:, None])
        if rule == "before":
            looked_at = looked_at & (columns[None, :] < rows[:, None])
        similarity = tl.where(looked_at, similarity, float("-inf"))
        highest = tl.max(similarity, 1)  # (tile_rows,), of (tile_rows, tile_columns)
        first = tl.min(tl.where(similarity == highest[:, None], columns[None, :], n_columns), 1)
        place = tl.where(highest > best, first, place)
        best = tl.maximum(highest, best)
    places = (image * tl.num_programs(1) + part) * n_rows + rows
    tl.store(best_of_part + places, best, mask=valid)
    tl.store(place_of_part + places, place, mask=valid)
